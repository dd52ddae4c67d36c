import Foundation
import Synchronization
import Testing

@testable import ProcessMetadata

@Suite struct ImageHashingTests {
    /// A file of the test's own, removed at the end.
    private final class TemporaryFile {
        let path = NSTemporaryDirectory() + "/whosent-image-\(UUID().uuidString)"

        init(_ bytes: [UInt8]) throws { try write(bytes) }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

        func overwrite(_ bytes: [UInt8]) throws {
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.write(contentsOf: bytes)
            try file.close()
        }
    }

    /// FIPS 180-2, appendix B, and the empty message.
    @Test(
        arguments: [
            ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ] as [([UInt8], String)])
    func digests(bytes: [UInt8], digest: String) throws {
        let file = try TemporaryFile(bytes)
        let image = try #require(RunningImage(path: file.path))
        let hashing = ImageHashing()
        #expect(hashing.known(image.signature) == nil)
        #expect(hashing.digest(image) { false } == digest)
        #expect(hashing.known(image.signature) == .digest(digest))
    }

    @Test func anImageWithoutAPathIsRead() throws {
        let file = try TemporaryFile(Array("abc".utf8))
        let image = try #require(RunningImage(path: file.path))
        usleep(30_000)
        try FileManager.default.removeItem(atPath: file.path)
        #expect(image.currentSignature != image.signature)
        #expect(ImageHashing().digest(image) { false } == nil, "for all one knows it was written to")
        #expect(
            ImageHashing().digest(image) { true }
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let descriptor = try #require(FileHandle(forReadingAtPath: "/dev/null"))
        #expect(RunningImage(path: "/proc/self/fd/\(descriptor.fileDescriptor)") == nil, "not a regular file")
    }

    @Test func aLargeFileIsNotRead() throws {
        let file = try TemporaryFile([])
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
        try handle.truncate(atOffset: UInt64(ImageHashing.sizeLimit) + 1)
        try handle.close()
        let image = try #require(RunningImage(path: file.path))
        let hashing = ImageHashing()
        #expect(hashing.known(image.signature) == .refused)
        #expect(hashing.digest(image) { false } == nil)
    }

    @Test func whatIsWrittenToMeanwhileHasNoHash() throws {
        let file = try TemporaryFile(Array("abc".utf8))
        let hashing = ImageHashing()
        let before = try #require(RunningImage(path: file.path))
        usleep(30_000)
        try file.overwrite(Array("abd".utf8))
        #expect(hashing.digest(before) { false } == nil)
        let after = try #require(RunningImage(path: file.path))
        #expect(hashing.digest(after) { false } == "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9")
    }
}

@Suite struct BackgroundWorkerTests {
    @Test func urgentJobsComeFirst() {
        let order = Mutex<[Int]>([])
        let gate = DispatchSemaphore(value: 0)
        let worker = BackgroundWorker<Int, Int>(queueLimit: 10) { job in
            if job == 0 { gate.wait() }
            order.withLock { $0.append(job) }
            return job
        }
        #expect(worker.request(0))
        worker.requestLater([7, 8, 9])
        #expect(worker.request(1))
        gate.signal()
        var answers: [Int] = []
        for _ in 0..<2000 where answers.count < 5 {
            answers += worker.takeAnswers()
            usleep(1000)
        }
        #expect(answers == [0, 1, 7, 8, 9])
        #expect(order.withLock { $0 } == answers)
        for _ in 0..<2000 where !worker.isIdle { usleep(1000) }
        #expect(worker.isIdle)
    }

    @Test func aJobThatDoesNotEndHoldsUpNobody() {
        let gate = DispatchSemaphore(value: 0)
        let worker = BackgroundWorker<Int, Int>(queueLimit: 4, patience: 20_000_000) { job in
            if job < 0 { gate.wait() }
            return job
        }
        #expect(worker.request(-1))
        var answers: [Int] = []
        func wait(for count: Int) {
            for _ in 0..<3000 where answers.count < count {
                answers += worker.takeAnswers()
                usleep(1000)
            }
        }
        for job in 1...3 { #expect(worker.request(job)) }
        wait(for: 3)
        #expect(answers == [1, 2, 3])
        gate.signal()
        wait(for: 4)
        #expect(answers == [1, 2, 3, -1], "what it found late counts as well")
    }

    @Test func theQueueIsBounded() {
        let gate = DispatchSemaphore(value: 0)
        let worker = BackgroundWorker<Int, Int>(queueLimit: 3) { job in
            gate.wait()
            return job
        }
        let accepted = (0..<10).count { worker.request($0) }
        #expect((3...4).contains(accepted))
        for _ in 0..<accepted { gate.signal() }
        for _ in 0..<2000 where !worker.isIdle { usleep(1000) }
        #expect(worker.takeAnswers().count == accepted)
    }
}
