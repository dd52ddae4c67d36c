import Glibc
import Records
import Testing

@testable import Probe

/// What a live test gathered.
struct GatheringSink: ProbeRecordSink {
    struct Packet<Record> {
        var record: Record
        var bytes: [UInt8]
        var originalLength: Int
    }

    var sends: [Packet<SendRecord>] = []
    var wires: [Packet<WireRecord>] = []
    var processes: [ProcessRecord] = []
    var losses: [LossInterval] = []

    mutating func send(_ record: SendRecord, bytes: RawSpan, originalLength: Int) {
        sends.append(Packet(record: record, bytes: copy(bytes), originalLength: originalLength))
    }
    mutating func wire(_ record: WireRecord, bytes: RawSpan, originalLength: Int) {
        wires.append(Packet(record: record, bytes: copy(bytes), originalLength: originalLength))
    }
    mutating func process(_ record: ProcessRecord) { processes.append(record) }
    mutating func lost(_ interval: LossInterval) { losses.append(interval) }

    private func copy(_ bytes: RawSpan) -> [UInt8] { unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
}

enum LiveProbe {
    /// Nil where BPF works; otherwise why not. With WHOSENT_REQUIRE_BPF=1 tests run, and fail, all the same.
    static let obstacle: String? = {
        do throws(ProbeError) {
            _ = try Probe()
            return nil
        } catch {
            return error.description
        }
    }()

    static var isRequired: Bool {
        guard let value = unsafe getenv("WHOSENT_REQUIRE_BPF") else { return false }
        return unsafe String(cString: value) == "1"
    }

    static var condition: ConditionTrait {
        .enabled(if: isRequired || obstacle == nil, "BPF is not available: \(obstacle ?? "")")
    }

    /// The calling thread's id, from the name of its directory in procfs.
    static var currentThread: UInt32? {
        var target = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink("/proc/thread-self", &target, target.count - 1)
        guard count > 0 else { return nil }
        let path = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").last.flatMap { UInt32($0) }
    }

    /// The packets that were sent from a port, once there are `count`.
    static func sends(
        _ probe: Probe, from port: UInt16, count: Int
    ) throws -> [GatheringSink.Packet<SendRecord>] {
        func ours(_ sink: GatheringSink) -> [GatheringSink.Packet<SendRecord>] {
            sink.sends.filter { $0.record.packet.sourcePort == port }
        }
        return ours(try gather(probe) { ours($0).count >= count })
    }

    /// Polls until `isDone` or two seconds are over.
    static func gather(_ probe: Probe, until isDone: (GatheringSink) -> Bool) throws -> GatheringSink {
        var sink = GatheringSink()
        for _ in 0..<200 {
            _ = probe.poll(&sink)
            if isDone(sink) { return sink }
            usleep(10_000)
        }
        return sink
    }
}

/// A UDP socket for tests, bound to loopback.
struct LoopbackSocket: ~Copyable {
    let descriptor: CInt
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = descriptor
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(number, generic, size) == 0 && getsockname(number, generic, &size) == 0
                    && connect(number, generic, size) == 0
            }
        }
        try #require(result)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { _ = close(descriptor) }

    func send(_ payload: [UInt8]) -> Int { unsafe Glibc.send(descriptor, payload, payload.count, 0) }
}
