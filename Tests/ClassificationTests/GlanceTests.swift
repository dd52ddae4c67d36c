import PacketDecoding
import Records
import SeededRandomness
import Testing

@testable import Classification

/// A frame of the mix that the two ways of observing are compared with.
private struct Frame {
    var bytes: [UInt8]
    var time: Timestamp
    var number: UInt64

    /// All kinds of packets that something in the classifiers looks at, and many that nothing does.
    init(_ random: inout SeededGenerator, number: UInt64, time: Timestamp) {
        self.number = number
        self.time = time
        func pick<Value>(_ values: [Value]) -> Value { values[Int(random.next() % UInt64(values.count))] }
        let ports: [UInt16] = [53, 389, 2762, 1023, 1024, 3268, 135, 40_000, 40_001]
        let (from, to) = (pick([1, 2, 3, 4, 5, 6, 7, 8]) as UInt8, pick([1, 2, 3, 4, 5, 6, 7, 8]) as UInt8)
        let isV6 = pick([false, false, true])
        let transport: UInt8
        let body: [UInt8]
        switch pick([0, 0, 0, 1, 2, 2]) {
        case 0:
            let payloads: [[UInt8]] = [
                Traffic.context, Traffic.context, [UInt8](repeating: 0, count: 8), Array("whosent!".utf8), [1, 2, 3],
                [], [UInt8](repeating: 7, count: 300), Array(repeating: 9, count: 16), [0x3F],
            ]
            let payload = pick(payloads)
            transport = 17
            body =
                Self.big(pick(ports)) + Self.big(pick(ports)) + Self.big(UInt16(8 + payload.count)) + [0, 0] + payload
        case 1:
            let payload: [UInt8] = pick([[0x3F], [0x3F], [0x40], [], [UInt8](repeating: 0, count: 2048), [1, 2, 3, 4]])
            transport = isV6 ? 58 : 1
            body =
                [pick(isV6 ? [128, 129, 1] : [8, 0, 3]), pick([0, 0, 1]), 0, 0] + Self.big(512)
                + Self.big(UInt16(number & 3)) + payload
        default:
            let payloads: [[UInt8]] = [
                [], [5, 0, 0, 3, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0], [5, 1], [5, 2], [1, 2, 3],
            ]
            transport = 6
            body =
                Self.big(pick(ports)) + Self.big(pick(ports)) + [0, 0, 0, UInt8(number & 0x7F), 0, 0, 0, 9]
                + [0x50, pick([0x10, 0x10, 0x02, 0x12, 0x11, 0x04]), 1, 0, 0, 0, 0, 0] + pick(payloads)
        }
        bytes = [UInt8](repeating: 2, count: 12) + (isV6 ? [0x86, 0xDD] : [0x08, 0x00])
        if isV6 {
            bytes += [0x60, 0, 0, 0] + Self.big(UInt16(body.count)) + [transport, 64]
            for last in [from, to] { bytes += [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [last] }
        } else {
            bytes += [0x45, 0] + Self.big(UInt16(20 + body.count)) + [0, 1, 0x40, 0, 64, transport, 0, 0]
            for last in [from, to] { bytes += [192, 0, 2, last] }
        }
        bytes += body
        // Cut to a snap length now and then.
        if random.next() % 16 == 0 { bytes.removeLast(Int(random.next() % 24)) }
    }

    private static func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}

/// A classifier, and the tags of what it was given.
private struct Observed {
    var classifier: Classifier
    var tags: [UInt64: Classification.Tag] = [:]
    var waiting: [(number: UInt64, tag: PendingTag)] = []
    var byGlance = 0
    let usesGlances: Bool

    init(_ configuration: ClassifierConfiguration, usesGlances: Bool) {
        classifier = Classifier(configuration: configuration)
        self.usesGlances = usesGlances
    }

    mutating func observe(_ frames: [Frame]) {
        let glanced = frames.map { frame in
            frame.bytes.withRawSpan { bytes in
                GlancedFrame(
                    time: frame.time,
                    glance: PacketGlance(bytes, linkType: 1, originalLength: frame.bytes.count + 30), place: 0)
            }
        }
        guard usesGlances else { return frames.forEach { observeWhole($0) } }
        classifier.expect(glanced.span)
        var index = 0
        while index < frames.count {
            let start = index
            // Not to the end at once, as a run does it that has to look after something meanwhile.
            index = classifier.pass(
                glanced.span, in: start..<min(start + 7, frames.count),
                until: waiting.first?.tag.deadline ?? .distantFuture)
            byGlance += index - start
            if index == start {
                observe(glanced[index].glance, frames[index])
                index += 1
            }
            settle(frames[index - 1].time)
        }
    }

    private mutating func observe(_ glance: PacketGlance?, _ frame: Frame) {
        let seen = Sighting(time: frame.time, frame: frame.number)
        guard let glance, let decision = classifier.observe(glance, at: seen) else { return observeWhole(frame) }
        byGlance += 1
        note(decision, frame)
    }

    private mutating func observeWhole(_ frame: Frame) {
        frame.bytes.withRawSpan { bytes in
            let decoded = decodeFrame(bytes, linkType: 1, originalLength: frame.bytes.count + 30)
            guard let ip = decoded.ip else { return }
            let packet = PacketRecord(time: frame.time, frame: frame.number, ip: ip)
            note(classifier.observe(packet, transport: decoded.transport(of: bytes)), frame)
        }
        settle(frame.time)
    }

    private mutating func settle(_ time: Timestamp) {
        while let first = waiting.first, first.tag.deadline < time { resolve(first) }
    }

    private mutating func note(_ decision: TagDecision, _ frame: Frame) {
        switch decision {
        case .none: break
        case .final(let tag): tags[frame.number] = tag
        case .pending(let tag): waiting.append((frame.number, tag))
        }
    }

    private mutating func resolve(_ packet: (number: UInt64, tag: PendingTag)) {
        tags[packet.number] = classifier.resolve(packet.tag)
        waiting.removeFirst()
    }

    mutating func end() { while let first = waiting.first { resolve(first) } }
}

@Suite("Observing by a glance")
struct GlanceTests {
    private static func rules() -> [Rule] {
        var short = Rule(name: "short", description: "three bytes", transports: .udp)
        short.payloadLength = 3...3
        var ping = Rule(name: "ping", description: "a ping of four bytes", transports: .icmp)
        ping.payloadLength = 4...4
        return [short, ping]
    }

    @Test(
        "Every packet gets the tag that it gets when all of it is seen",
        arguments: [(UInt64(1), false, 65_536), (2, true, 65_536), (3, false, 16), (4, true, 64)])
    func sameTags(seed: UInt64, hasRules: Bool, tuples: Int) {
        var random = SeededGenerator(state: seed)
        var configuration = ClassifierConfiguration(newmailPorts: [2762])
        configuration.tupleLimit = tuples
        if hasRules { configuration.rules = Self.rules() }
        var time = Traffic.begin
        let frames = (1...UInt64(20_000)).map { number in
            // Now and then backwards, once by far.
            let step = Int64(random.next() % 40_000_000) - 2_000_000
            time = time.advanced(by: number == 9000 ? -3_000_000_000 : step)
            return Frame(&random, number: number, time: time)
        }
        var whole = Observed(configuration, usesGlances: false)
        var glanced = Observed(configuration, usesGlances: true)
        for start in stride(from: 0, to: frames.count, by: 300) {
            let batch = Array(frames[start..<min(start + 300, frames.count)])
            whole.observe(batch)
            glanced.observe(batch)
        }
        whole.end()
        glanced.end()
        let different = frames.map(\.number).filter { whole.tags[$0] != glanced.tags[$0] }
        #expect(different.prefix(3) == [])
        #expect(whole.classifier.registrations == glanced.classifier.registrations)
        // Both ways are taken, and more than one kind of tag is given.
        #expect(glanced.byGlance > 5000 && glanced.byGlance < 18_000)
        #expect(Set(whole.tags.values.map { "\($0.name) \($0.confidence)" }).count > 3)
    }
}
