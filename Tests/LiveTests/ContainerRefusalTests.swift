import Foundation
import Testing

/// Row 42's third part: inside a container the tool would see only its own container's packets, so it does not begin.
@Suite("Inside a container", .serialized, .enabled(if: TestMachine.requiresBPF || TestMachine.hasBPF, "needs BPF"))
struct ContainerRefusalTests {
    /// A cgroup of its own, and a cgroup namespace that has it as its root.
    private static let script = """
        mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
        cgroup=$mount/whosent-test-$$
        mkdir "$cgroup" || exit 1
        (sh -c 'echo $PPID' > "$cgroup/cgroup.procs"; exec unshare --cgroup --mount sh -c "$1")
        status=$?
        rmdir "$cgroup"
        exit $status
        """

    @Test(
        "live, record and doctor are refused with the reason: 69",
        arguments: [
            ["live"], ["record", "-w", "/dev/null"], ["live", "-i", "lo"], ["doctor"],
        ],
        ["", "umount -l \"$(awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts)\"; mount -t cgroup2 none /mnt;"])
    func refused(words: [String], mounts: String) throws {
        let command = "\(mounts) exec \(([TestMachine.whosent] + words).joined(separator: " "))"
        let run = try CommandRun(["/bin/sh", "-c", Self.script, "sh", command], seconds: 20)
        #expect(run.status == 69, "\(run.text)\(run.errors)")
        #expect((run.text + run.errors).contains("cgroup namespace"), "\(run.text)\(run.errors)")
        if words[0] != "doctor" { #expect(run.output.isEmpty) }
    }
}
