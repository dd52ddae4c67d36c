import Records
import Testing

@testable import ProcessMetadata

@Suite struct ProcFSFormatTests {
    /// Fields 4 to 52 of a stat line with the given parent, flags and start; field n holds n where nothing else is said.
    static func statLine(name: [UInt8], parent: Int = 7, flags: Int = 0x40_0000, start: String = "12345") -> [UInt8] {
        let fields = (4...52).map { number in
            switch number {
            case 4: "\(parent)"
            case 9: "\(flags)"
            case 22: start
            default: "\(number)"
            }
        }
        return Array("42 (".utf8) + name + Array(") S \(fields.joined(separator: " "))\n".utf8)
    }

    @Test(arguments: [
        Array("store".utf8), Array("a) S 1 (b".utf8), Array(") R 0 0 0 0 0 0 0".utf8), Array("two\nlines".utf8),
        [0xFF, 0x1B],
        [],
    ])
    func statIsReadFromTheLastParenthesis(name: [UInt8]) {
        let stat = ProcFSFormat.stat(Self.statLine(name: name))
        #expect(
            stat == .init(parent: 7, isKernelThread: false, startTicks: 12345, layout: [26, 28, 48], hasMemory: true))
    }

    @Test(arguments: ["", "42 (x", "42 (x) S", "42 (x) S 1 2 3", "no parentheses at all"])
    func brokenStatIsNothing(line: String) { #expect(ProcFSFormat.stat(Array(line.utf8)) == nil) }

    @Test(arguments: ["-1", "x", "99999999999999999999"])
    func brokenStartIsNothing(start: String) {
        #expect(ProcFSFormat.stat(Self.statLine(name: [], start: start)) == nil)
    }

    /// Between the old image and the new one there is memory, but no code (field 26) yet.
    @Test(arguments: [(["26": "0"], true), (["26": "0", "23": "0"], false), (["26": "1"], false), ([:], false)])
    func anExecUnderWayIsSeen(fields: [String: String], isInExec: Bool) throws {
        var parts = String(decoding: Self.statLine(name: Array("x".utf8)), as: UTF8.self).split(separator: " ")
        for (number, value) in fields {
            parts[try #require(parts.firstIndex(of: Substring(number)))] = Substring(value)
        }
        let stat = try #require(ProcFSFormat.stat(Array(parts.joined(separator: " ").utf8)))
        #expect(stat.isInExec == isInExec)
    }

    @Test func kernelThreadsAreMarked() {
        #expect(ProcFSFormat.stat(Self.statLine(name: [], flags: 0x20_8040))?.isKernelThread == true)
    }

    @Test(arguments: [
        ("store\n", "store"), ("a\nb\n", "a\\x0ab"), ("\n", ""), ("kworker/0:1-events\n", "kworker/0:1-eve"),
        ("no newline", "no newline"),
    ])
    func names(bytes: String, text: String) { #expect(ProcFSFormat.name(Array(bytes.utf8)).description == text) }

    @Test(
        arguments: [
            ([], nil),
            (Array("ls\0".utf8), ["ls"]),
            (Array("ls\0-l\0\0x\0".utf8), ["ls", "-l", "", "x"]),
            (Array("p\0\0".utf8), ["p", ""]),
            (Array("nginx: worker process\0\0\0\0\0".utf8), ["nginx: worker process"]),
            (Array("sshd: user [priv]".utf8), ["sshd: user [priv]"]),
            ([0], [""]),
            ([UInt8(ascii: "a"), 0xFF, 0x1B, UInt8(ascii: "["), 0], ["a\\xff\\x1b["]),
        ] as [([UInt8], [String]?)])
    func arguments(bytes: [UInt8], list: [String]?) { #expect(ProcFSFormat.arguments(bytes) == list) }

    @Test(
        arguments: [
            ("Name:\tx\nUid:\t1\t1001\t3\t4\nGid:\t5\t100\t7\t8\nNSpid:\t42\t7\t3\n", 1001, 100, 3),
            ("Uid:\t0\t0\t0\t0\nNSpid:\t42\n", 0, nil, nil),
            ("Uid:\t0\nGid: x y z u\nNSpid:\n", nil, nil, nil),
            ("Name:\tUid:\t9\t9\t9\t9\n", nil, nil, nil),
            ("", nil, nil, nil),
        ] as [(String, UInt32?, UInt32?, UInt32?)])
    func status(text: String, user: UInt32?, group: UInt32?, inner: UInt32?) {
        #expect(ProcFSFormat.status(Array(text.utf8)) == .init(user: user, group: group, innerPID: inner))
    }

    @Test(
        arguments: [
            ("0::/system.slice/a.service\n", "/system.slice/a.service", "/system.slice/a.service"),
            ("9:name=systemd:/system.slice/b.service\n8:pids:/x\n0::/\n", "/", "/system.slice/b.service"),
            (
                "4:memory:/docker/\(String(repeating: "a", count: 64))\n1:cpu:/\n0::/\n", "/",
                "/docker/\(String(repeating: "a", count: 64))"
            ),
            (
                "9:name=systemd:/docker/\(String(repeating: "a", count: 64))\n0::/system.slice/containerd.service\n",
                "/system.slice/containerd.service", "/docker/\(String(repeating: "a", count: 64))"
            ),
            ("0::/\n", "/", "/"),
            ("0::/a:b.scope (deleted)\n", "/a:b.scope", "/a:b.scope"),
            ("garbage\n:\n", nil, nil),
        ] as [(String, String?, String?)])
    func cgroups(text: String, unified: String?, naming: String?) {
        #expect(ProcFSFormat.cgroups(Array(text.utf8)) == .init(unified: unified, naming: naming))
    }

    @Test(
        arguments: [
            (Array("/usr/bin/ping".utf8), .path("/usr/bin/ping")),
            (Array("/tmp/x (deleted)".utf8), .suffixed(path: "/tmp/x", whole: "/tmp/x (deleted)")),
            (Array("/memfd:stage (deleted)".utf8), .suffixed(path: "/memfd:stage", whole: "/memfd:stage (deleted)")),
            (Array("/tmp/".utf8) + [0xFF, 0x1B, 0x0A], .path("/tmp/\\xff\\x1b\\x0a")),
            (Array(" (deleted)".utf8), .path(" (deleted)")),
            ([], nil),
        ] as [([UInt8], ProcFSFormat.ExecutableLink?)])
    func executables(bytes: [UInt8], link: ProcFSFormat.ExecutableLink?) {
        #expect(ProcFSFormat.executable(bytes) == link)
    }

    @Test func passwordLines() {
        let text =
            "root:x:0:0:root:/root:/bin/bash\n# comment:x:5:\ntoor:x:0:0::/:/bin/sh\nexch:x:1001:100\n:x:7:\nbad:x:abc:\nshort:x\n"
        let names = PasswordFiles.names(Array(text.utf8) + [0xFF, 0x1B] + Array(":x:8:8\n".utf8))
        #expect(names == [0: "root", 1001: "exch", 8: "\\xff\\x1b"])
    }

    @Test(arguments: [
        ("26 25 0:24 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup"),
        (
            "1 0 0:1 / / rw - ext4 /dev/vda rw\n30 26 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/unified"
        ),
        ("30 26 0:27 / /with\\040blank rw shared:1 master:2 - cgroup2 none rw\n", "/with blank"),
        ("30 26 0:27 /inner /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", nil),
        ("30 26 0:27 / /sys/fs/cgroup rw - cgroup cgroup rw\n", nil), ("", nil), ("- - - - - - - -\n", nil),
    ])
    func cgroupMounts(text: String, mount: String?) {
        #expect(CgroupHierarchy(mountInfo: Array(text.utf8))?.mount == mount)
    }
}
