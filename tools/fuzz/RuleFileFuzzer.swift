// libFuzzer target: any bytes as a rule file, and what comes of it against packets made of the same bytes.
// Built by tools/fuzz/fuzz into the module of the rule reader.
import Classification
import Records

/// One input of the fuzzer; a broken promise traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do {
        tryOut(try RuleFile.rules(of: bytes, file: "fuzz.yaml"), bytes)
    } catch {
        precondition(error.description.hasPrefix("fuzz.yaml"), "no file is named: \(error)")
        precondition(!error.problem.isEmpty && !error.description.utf8.contains { $0 < 0x20 || $0 == 0x7F })
    }
    return 0
}

private func tryOut(_ rules: [Rule], _ bytes: [UInt8]) {
    precondition(!rules.isEmpty && rules.count <= Rule.countLimit)
    var configuration = ClassifierConfiguration()
    configuration.rules = rules
    configuration.tupleLimit = 4
    configuration.ruleFlowLimit = 2
    var classifier = Classifier(configuration: configuration)
    let names = Set(rules.map(\.name) + RuleCatalogue.builtInNames)
    precondition(RuleCatalogue.list(rules).count >= rules.count)
    for (index, byte) in bytes.prefix(64).enumerated() {
        guard case .final(let tag) = classifier.observe(packet(index, byte, bytes)) else { continue }
        precondition(names.contains(tag.name) && !tag.reasons.isEmpty && tag.confidence < .confirmed)
        precondition(RuleCatalogue.builtInNames.contains(tag.name) || tag.confidence <= .possible)
    }
}

/// A packet of some kind, whose fields are the input's bytes.
private func packet(_ index: Int, _ byte: UInt8, _ bytes: [UInt8]) -> PacketRecord {
    let transports: [IPPacket.Transport] = [.udp, .icmp, .icmpv6, .tcp, .other]
    var packet = IPPacket(
        source: IPAddress(v4: 0xC000_0200), destination: IPAddress(v4: 0xC633_6400 + UInt32(byte & 3)),
        transport: transports[Int(byte) % transports.count])
    packet.sourcePort = UInt16(byte) << 8 | UInt16(index)
    packet.destinationPort = UInt16(index)
    packet.payloadPrefix = PayloadPrefix(bytes.dropFirst(index))
    packet.payloadLength = UInt32(bytes.count - index)
    packet.udpLength = UInt16(truncatingIfNeeded: 8 + bytes.count - index)
    packet.icmpType = byte
    packet.hopLimit = byte
    packet.isFragment = byte & 0x80 != 0
    // The clock goes back now and then, as between two captures.
    let time = Timestamp(nanoseconds: Int64(index) * 40_000_000 * (byte & 0x10 == 0 ? 1 : -1))
    return PacketRecord(time: time, frame: UInt64(index + 1), direction: byte & 1 == 0 ? .egress : .ingress, ip: packet)
}
