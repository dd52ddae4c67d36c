import Records
import Testing

@testable import ProcessMetadata

@Suite struct CredentialTests {
    struct Names: PrincipalNames {
        func userName(_ id: UInt32) -> String? { id == 1001 ? "exch" : nil }
        func groupName(_ id: UInt32) -> String? { id == 100 ? "users" : nil }
    }

    let process = key(70, 7)
    static let container = String(repeating: "ab", count: 32)

    func table(_ record: ProcessRecord) -> ProcessTable {
        var table = ProcessTable(names: Names())
        table.setCgroup(42, path: "/system.slice/store.service", host: 0)
        table.setCgroup(43, path: "/system.slice/docker-\(Self.container).scope", host: 0)
        table.setCgroup(1, path: "/", host: 0)
        table.add(record)
        return table
    }

    @Test func theSendersOwnCredentialsCount() {
        var record = exec(process, "store", version: 1, at: 0)
        record.user = 0
        record.group = 0
        record.cgroup = 42
        record.sharesAccounts = true
        var table = table(record)
        #expect(table.describe(process, version: 1, at: 1)?.user == .init(id: "0"))
        #expect(
            table.describe(process, version: 1, at: 1, user: 1001, group: 100)?.user == .init(id: "1001", name: "exch"))
        #expect(table.describe(process, version: 1, at: 1, user: 1001, group: 100)?.group?.name == "users")
        #expect(table.describe(process, version: 1, at: 1)?.serviceName == "store.service")
        #expect(table.describe(process, version: 1, at: 1, cgroup: 43)?.containerID == Self.container)
        #expect(table.describe(process, version: 1, at: 1, cgroup: 43)?.serviceName == nil)
    }

    @Test func aContainersUsersAreNotNamedAsOurs() {
        var record = exec(process, "store", version: 1, at: 0)
        record.sharesAccounts = true
        var table = table(record)
        #expect(table.describe(process, version: 1, at: 1, user: 1001)?.user?.name == "exch")
        #expect(table.describe(process, version: 1, at: 1, user: 1001, cgroup: 43)?.user == .init(id: "1001"))
    }

    /// Whether a process sees this machine's users: unknown, told by the kernel, denied by a look afterwards.
    @Test(arguments: [
        (nil, nil, false), (true, nil, true), (true, true, true), (true, false, false), (nil, true, true),
    ])
    func namesNeedProof(kernel: Bool?, look: Bool?, isNamed: Bool) {
        var told = exec(process, "store", version: 1, at: 0)
        told.sharesAccounts = kernel
        var table = table(told)
        var seen = snapshot(process, "store", at: 50)
        seen.sharesAccounts = look
        table.add(seen)
        for time: Int64 in [1, 60] {
            let description = table.describe(process, version: 1, at: time, user: 1001, group: 100)
            #expect(description?.user == .init(id: "1001", name: isNamed ? "exch" : nil))
            #expect(description?.group == .init(id: "100", name: isNamed ? "users" : nil))
        }
    }

    /// Runtimes that use cgroup v1 leave the container in their own v2 cgroup.
    @Test func aContainerOfVersionOneOutweighsTheRuntimesUnit() {
        var record = snapshot(process, "store", at: 0)
        record.cgroupPath = "/docker/\(Self.container)"
        var table = table(record)
        #expect(table.describe(process, at: 1, cgroup: 42)?.containerID == Self.container)
        #expect(table.describe(process, at: 1, cgroup: 42)?.serviceName == nil)
        record.cgroupPath = "/system.slice/other.service"
        record.time = moment(5)
        table.add(record)
        #expect(table.describe(process, at: 6, cgroup: 42)?.serviceName == "store.service", "the packet's own counts")
    }

    @Test func onHybridHostsProcfsTellsTheUnit() {
        var record = snapshot(process, "store", at: 0)
        record.cgroupPath = "/docker/\(Self.container)"
        var table = table(record)
        #expect(table.describe(process, at: 1, cgroup: 1)?.containerID == Self.container)
    }

    @Test func aCgroupLearntLaterShows() {
        var table = table(exec(process, "store", version: 1, at: 0))
        #expect(table.describe(process, version: 1, at: 1, cgroup: 44)?.serviceName == nil)
        table.setCgroup(44, path: "/system.slice/late.service", host: 0)
        #expect(table.describe(process, version: 1, at: 1, cgroup: 44)?.serviceName == "late.service")
    }
}
