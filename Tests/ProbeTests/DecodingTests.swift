import CAttributionEvents
import Records
import Testing

@testable import Probe

@Suite("What the kernel's records say")
struct DecodingTests {
    @Test(arguments: [
        ("", ""), ("a", "a"), ("sevenby", "sevenby"), ("eightbyt", "eightbyt"),
        ("fifteen bytes ok", "fifteen bytes ok"),
        ("sh\0rest of old", "sh"), ("eightbyt\0old", "eightbyt"),
    ])
    func taskNamesEndAtTheFirstZero(memory: String, name: String) {
        var task = attribution_task()
        let bytes = Array(memory.utf8) + [UInt8](repeating: 0, count: 16)
        task.comm.0 = word(bytes[0..<8])
        task.comm.1 = word(bytes[8..<16])
        #expect(TaskName(task) == TaskName(name.utf8))
    }

    private func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        UInt64(bigEndian: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    @Test(arguments: [
        (ATTRIBUTION_PROOF_NONE, SendRecord.Proof.unverified), (ATTRIBUTION_PROOF_SYSTEM_CALL, .verified),
        (ATTRIBUTION_PROOF_SUBMISSION, .verified), (ATTRIBUTION_PROOF_REJECTED, .borrowed),
        (ATTRIBUTION_PROOF_REINJECTED, .borrowed),
    ])
    func proofs(kernel: attribution_proof, proof: SendRecord.Proof) {
        #expect(SendRecord.Proof(UInt8(kernel.rawValue)) == proof)
    }

    @Test func unknownProofIsNoProof() { #expect(SendRecord.Proof(99) == .borrowed) }

    /// A first thread may end before the others: the process goes on.
    @Test(arguments: [
        (tid: UInt32(7), last: UInt8(0), thread: UInt32?.none), (tid: 7, last: 1, thread: 7),
        (tid: 9, last: 0, thread: 9), (tid: 9, last: 1, thread: 7),
    ])
    func exitOfTheLastThreadEndsTheProcess(tid: UInt32, last: UInt8, thread: UInt32?) {
        var event = attribution_process()
        event.task.tgid = 7
        event.task.tid = tid
        event.event = UInt8(ATTRIBUTION_PROCESS_EXIT.rawValue)
        event.last_thread = last
        let record = unsafe withUnsafeBytes(of: &event) { bytes in
            unsafe ProcessRecord(bytes.bytes, clock: BootClock())
        }
        #expect(record?.thread == thread)
    }

    /// clone(CLONE_PARENT): the child's parent is not what was copied.
    @Test(arguments: [
        (UInt32(5), UInt64(50), ProcessKey?.none), (6, 60, ProcessKey(pid: 6, startTime: 60)), (0, 0, nil),
    ])
    func aForkSaysWhatWasCopied(pid: UInt32, start: UInt64, origin: ProcessKey?) throws {
        var event = attribution_process()
        event.task.tgid = 7
        event.task.tid = 7
        event.event = UInt8(ATTRIBUTION_PROCESS_FORK.rawValue)
        event.parent_tgid = 5
        event.parent_start_time = 50
        event.origin_tgid = pid
        event.origin_start_time = start
        event.mount_namespace = 11
        event.user_namespace = 12
        let decoded = unsafe withUnsafeBytes(of: &event) { bytes in
            unsafe ProcessRecord(bytes.bytes, clock: BootClock())
        }
        let record = try #require(decoded)
        #expect(record.origin == origin && record.parent == ProcessKey(pid: 5, startTime: 50))
        #expect(record.mountNamespace == 11 && record.userNamespace == 12)
    }

    @Test(arguments: [
        (ATTRIBUTION_IMAGE_LINKED, ImageObservation?.none),
        (ATTRIBUTION_IMAGE_UNLINKED, ImageObservation(state: .deleted)),
        (ATTRIBUTION_IMAGE_MEMFD, ImageObservation(state: .memfd)),
    ])
    func anExecSaysWhatBecameOfTheFile(file: attribution_image_file, image: ImageObservation?) throws {
        var event = attribution_image()
        event.process.event = UInt8(ATTRIBUTION_PROCESS_SNAPSHOT.rawValue)
        event.file = UInt8(file.rawValue)
        let record = unsafe withUnsafeBytes(of: &event) { bytes in
            unsafe ProcessRecord(bytes.bytes, clock: BootClock())
        }
        #expect(try #require(record).image == image)
    }

    @Test(
        arguments: [
            (8 << 20 | 1, 0x801), (253 << 20 | 0x12345, 0x1230_FD45), (0xFFF << 20, 0xF_FF00),
        ] as [(UInt32, UInt64)])
    func anExecSaysWhichFile(kernelDevice: UInt32, device: UInt64) throws {
        var event = attribution_image()
        event.process.event = UInt8(ATTRIBUTION_PROCESS_EXEC.rawValue)
        event.inode = 42
        event.device = kernelDevice
        event.file_system = 0xEF53
        let record = unsafe withUnsafeBytes(of: &event) { bytes in
            unsafe ProcessRecord(bytes.bytes, clock: BootClock())
        }
        #expect(try #require(record).imageFile == ImageFile(inode: 42, device: device, fileSystem: 0xEF53))
    }

    @Test(arguments: [0, 1, 103])
    func shortRecordsAreNoRecords(byteCount: Int) {
        let bytes = [UInt8](repeating: 0, count: byteCount)
        #expect(unsafe ProcessRecord(bytes.span.bytes, clock: BootClock()) == nil)
    }

    @Test func findsTheCgroupRoots() {
        let text = """
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
            41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:4 - cgroup2 cgroup2 rw
            42 31 0:38 /inner /mnt/part rw,relatime - cgroup2 cgroup2 rw
            damaged line
            """
        #expect(CgroupRoot.mountPoints(mountInfo: Array(text.utf8)) == ["/sys/fs/cgroup/uni fied"])
    }
}
