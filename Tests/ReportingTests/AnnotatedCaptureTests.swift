import Classification
import Correlation
import Evidence
import Foundation
import PcapNG
import Records
import Reporting
import SystemPackage
import Testing

@Suite("Annotated captures")
struct AnnotatedCaptureTests {
    static let start = Timestamp(nanoseconds: 1_772_360_430_000_000_001)
    static let interfaces = [
        CaptureInterface(name: "eth0", linkType: 1, snapLength: 65_535),
        CaptureInterface(name: nil, linkType: 1, snapLength: 0),
    ]

    /// An Ethernet frame with a UDP packet, 192.0.2.1:36003 to 198.51.100.7:2762.
    static func frame(payload: [UInt8]) -> [UInt8] {
        let total = UInt8(28 + payload.count)
        return [0, 0x53, 0, 0, 0, 1, 0, 0x53, 0, 0, 0, 2, 0x08, 0x00]
            + [0x45, 0, 0, total, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]
            + [0x8C, 0xA3, 0x0A, 0xCA, 0, UInt8(8 + payload.count), 0, 0] + payload
    }

    static func packet(
        _ verdict: Verdict, process: ProcessDescription? = nil, tag: Classification.Tag? = nil
    ) -> ReportedPacket {
        let ip = IPPacket(source: IPAddress(v4: 1), destination: IPAddress(v4: 2), transport: .udp)
        return ReportedPacket(
            packet: PacketRecord(time: start, frame: 1, ip: ip), captureName: "eth0", verdict: verdict,
            process: process, tag: tag)
    }

    static func sender(pid: UInt32, start startTime: UInt64, image: UInt32, thread: UInt32) -> Sender {
        let ip = IPPacket(source: IPAddress(v4: 1), destination: IPAddress(v4: 2), transport: .udp)
        return Sender(
            SendRecord(
                time: start, packet: ip, process: ProcessKey(pid: pid, startTime: startTime), thread: thread,
                imageVersion: image))
    }

    static func verdict(
        _ kind: Verdict.Kind, _ confidence: Verdict.Confidence, _ method: Verdict.Method, _ sender: Sender? = nil
    ) -> Verdict {
        Verdict(kind: kind, confidence: confidence, method: method, reason: .nothingMatches, sender: sender)
    }

    static func description(pid: UInt32, name: String) -> ProcessDescription {
        var description = ProcessDescription(pid: pid, name: name)
        description.executable = "/opt/x/\(name)"
        description.containerID = "c0ffee"
        return description
    }

    /// Every kind of verdict, two images of one process, a late interface, and packets without a verdict.
    static func capture() throws -> [UInt8] {
        try written { descriptor in
            var writer = try AnnotatedCaptureWriter(
                descriptor: descriptor, toolVersion: "0.1.0", operatingSystem: "Linux",
                coverage: [Coverage(host: "gate", start: start)], interfaces: [interfaces[0]])
            let old = sender(pid: 2136, start: 17, image: 1, thread: 2140)
            let new = sender(pid: 2136, start: 17, image: 2, thread: 0)
            let store = description(pid: 2136, name: "store")
            let forger = description(pid: 2136, name: "x\" PID=1 VERDICT=kernel \\")
            let newmail = Classification.Tag(name: "newmail", confidence: .possible, reasons: ["it looks like one"])
            let rows: [(ReportedPacket?, Direction)] = [
                (packet(verdict(.process, .exact, .packet, old), process: store, tag: newmail), .egress),
                (packet(verdict(.process, .exact, .nat, old), process: store), .egress),
                (packet(verdict(.process, .probable, .flow, new), process: forger), .unknown),
                (packet(verdict(.process, .ambiguous, .packet, old), process: store), .egress),
                (packet(verdict(.kernel, .exact, .packet)), .egress),
                (packet(verdict(.forwarded, .probable, .none)), .ingress),
                (packet(verdict(.received, .exact, .none)), .ingress),
                (
                    packet(
                        verdict(.unknown, .none, .none),
                        tag: Classification.Tag(name: "a b", confidence: .shape, reasons: ["r"])), .unknown
                ),
                (nil, .ingress),
            ]
            for (index, row) in rows.enumerated() {
                let bytes = frame(payload: [UInt8](repeating: UInt8(index), count: 8))
                try writer.write(
                    .init(
                        time: start.advanced(by: Int64(index)), interface: index == 5 ? 1 : 0, direction: row.1,
                        packetID: index == 1 ? 99 : nil, originalLength: index == 6 ? 1500 : bytes.count),
                    bytes.rawSpan, row.0, interfaces: index < 5 ? [interfaces[0]] : interfaces)
            }
            try writer.finish(
                stop: start.advanced(by: 100), counts: [.init(name: "eth0", received: 23, dropped: 3)],
                lost: [.send: 29, .capture: 3])
        }
    }

    @Test("comments are exactly the contract's")
    func comments() throws {
        var reader = BlockReader(MemorySource(try Self.capture()), file: "f")
        var comments: [String?] = []
        var packets: [PacketBlock] = []
        var payloads: [[UInt8]] = []
        while let event = try reader.next() {
            guard case .packet(let packet) = event else { continue }
            packets.append(packet)
            comments.append(reader.comments().first)
            payloads.append(reader.packetBytes.array)
        }
        #expect(
            comments == [
                #"PID=2136 TID=2140 VERDICT=process CONFIDENCE=exact METHOD=packet TAG=newmail NAME="store""#,
                #"PID=2136 TID=2140 VERDICT=process CONFIDENCE=exact METHOD=nat NAME="store""#,
                #"PID=2136 VERDICT=process CONFIDENCE=probable METHOD=flow NAME="x\" PID=1 VERDICT=kernel \\""#,
                "VERDICT=process CONFIDENCE=ambiguous METHOD=packet",
                "VERDICT=kernel CONFIDENCE=exact METHOD=packet",
                "VERDICT=forwarded CONFIDENCE=probable METHOD=none",
                "VERDICT=received CONFIDENCE=exact METHOD=none",
                #"VERDICT=unknown CONFIDENCE=none METHOD=none TAG=a\x20b"#,
                nil,
            ])
        #expect(payloads == (0..<9).map { Self.frame(payload: [UInt8](repeating: UInt8($0), count: 8)) })
        #expect(packets.map(\.processID) == [2136, 2136, 2136, 0, 0, 0, 0, 0, 0])
        #expect(packets.map(\.threadID) == [2140, 2140, 0, 0, 0, 0, 0, 0, 0])
        #expect(packets.map(\.processIndex) == [0, 0, 1, nil, nil, nil, nil, nil, nil])
        #expect(packets.map(\.flags) == [2, 2, nil, 2, 2, 1, 1, nil, 1])
        #expect(packets.map(\.interface) == [0, 0, 0, 0, 0, 1, 0, 0, 0])
        #expect(packets.map(\.packetID) == [nil, 99, nil, nil, nil, nil, nil, nil, nil])
        #expect(packets.map(\.originalLength) == [50, 50, 50, 50, 50, 50, 1500, 50, 50])
        #expect(packets.map { $0.time?.since(Self.start) } == (0..<9).map { $0 })
        #expect(reader.damage.isEmpty)
    }

    @Test("processes are described once an image, and the losses are in the statistics")
    func processesAndStatistics() throws {
        var reader = BlockReader(MemorySource(try Self.capture()), file: "f")
        var processes: [ProcessComment?] = []
        var statistics: [InterfaceStatistics] = []
        var losses: [String] = []
        while let event = try reader.next() {
            switch event {
            case .processEvent:
                processes.append(ProcessComment(comments: reader.comments()))
                #expect(reader.text(OptionCode.ProcessEvent.path)?.hasPrefix("/opt/x/") == true)
            case .statistics(let found):
                statistics.append(found)
                losses += reader.comments()
            default: break
            }
        }
        #expect(processes.map { $0?.imageVersion } == [1, 2])
        #expect(processes.map { $0?.process } == [1, 2].map { _ in ProcessKey(pid: 2136, startTime: 17) })
        #expect(processes.first??.description == Self.description(pid: 2136, name: "store"))
        #expect(statistics.map(\.received) == [23, 1])
        #expect(statistics.map(\.dropped) == [3, 0])
        let parts = #""send":29,"wire":0,"process":0,"capture":3,"table":0"#
        let tables = #""process_table":0,"flow_table":0,"fragment_table":0,"registration_table":0"#
        #expect(losses == ["{\"lost\":{\(parts),\(tables)}}"])
    }

    @Test("a process is described again when its hash becomes known or its file goes")
    func changedImages() throws {
        let sender = Self.sender(pid: 2136, start: 17, image: 1, thread: 2136)
        var description = Self.description(pid: 2136, name: "store")
        var states = [description]
        description.sha256 = String(repeating: "0a", count: 32)
        states.append(description)
        description.image = .replaced
        states.append(description)
        let bytes = try written { descriptor in
            var writer = try AnnotatedCaptureWriter(
                descriptor: descriptor, toolVersion: "0.1.0", operatingSystem: nil,
                coverage: [Coverage(host: "gate", start: Self.start)], interfaces: [Self.interfaces[0]])
            for index in [0, 0, 1, 1, 2, 1] {
                let frame = Self.frame(payload: [UInt8](repeating: 7, count: 8))
                try writer.write(
                    .init(
                        time: Self.start, interface: 0, direction: .egress, packetID: nil, originalLength: frame.count),
                    frame.rawSpan,
                    Self.packet(Self.verdict(.process, .exact, .packet, sender), process: states[index]),
                    interfaces: [Self.interfaces[0]])
            }
            try writer.finish(stop: Self.start, counts: [], lost: [:])
        }
        var reader = BlockReader(MemorySource(bytes), file: "f")
        var described: [ProcessDescription?] = []
        var indices: [UInt32?] = []
        while let event = try reader.next() {
            switch event {
            case .processEvent: described.append(ProcessComment(comments: reader.comments())?.description)
            case .packet(let packet): indices.append(packet.processIndex)
            default: break
            }
        }
        #expect(described == states)
        #expect(indices == [0, 0, 1, 1, 2, 1])
    }

    @Test("names from socket tables are no records of a send", arguments: [Verdict.Method.socketTable, .flow])
    func socketTablesAreNoEvidence(method: Verdict.Method) throws {
        let bytes = try written { descriptor in
            var writer = try AnnotatedCaptureWriter(
                descriptor: descriptor, toolVersion: "0.1.0", operatingSystem: nil,
                coverage: [Coverage(start: Self.start)], interfaces: [Self.interfaces[0]])
            let frame = Self.frame(payload: [UInt8](repeating: 7, count: 8))
            let sender = Self.sender(pid: 2136, start: 17, image: 1, thread: 0)
            try writer.write(
                .init(time: Self.start, interface: 0, direction: .egress, packetID: nil, originalLength: frame.count),
                frame.rawSpan,
                Self.packet(
                    Self.verdict(.process, .probable, method, sender),
                    process: Self.description(pid: 2136, name: "store")),
                interfaces: [Self.interfaces[0]])
            try writer.finish(stop: Self.start, counts: [], lost: [:])
        }
        let reader = try EvidenceReader(source: MemorySource(bytes), file: "f", host: 5)
        var sends = 0
        while let record = try reader.next() { if case .send = record { sends += 1 } }
        #expect(sends == (method == .socketTable ? 0 : 1))
    }

    @Test("an annotated capture is evidence of what it names, and of nothing else")
    func asEvidence() throws {
        let reader = try EvidenceReader(source: MemorySource(try Self.capture()), file: "f", host: 5)
        #expect(reader.kind == .annotatedCapture)
        var sends: [SendRecord] = []
        var kernels = 0
        var processes: [ProcessRecord] = []
        while let record = try reader.next() {
            switch record {
            case .send(let send): sends.append(send)
            case .wire(let wire):
                #expect(wire.origin == .kernel && wire.hasKernelSocket)
                kernels += 1
            case .process(let process): processes.append(process)
            default: Issue.record("unexpected record")
            }
        }
        #expect(sends.map(\.process) == [1, 2, 3].map { _ in ProcessKey(pid: 2136, startTime: 17) })
        #expect(sends.map(\.imageVersion) == [1, 1, 2])
        #expect(sends.map(\.proof) == [.verified, .verified, .unverified])
        #expect(sends.map(\.thread) == [2140, 2140, 0])
        #expect(sends.map(\.packet.destinationPort) == [2762, 2762, 2762])
        #expect(sends.allSatisfy { $0.host == 5 })
        #expect(processes.map { $0.description?.name } == ["store", "x\" PID=1 VERDICT=kernel \\"])
        #expect(kernels == 1)
        #expect(reader.damage.isEmpty && !reader.endedWithoutSummary)
        #expect(reader.coverage.host == "gate")
        #expect(reader.coverage.start == Self.start && reader.coverage.stop == Self.start)
        #expect(!reader.coverage.includesWire)
    }

    @Test("a capture that breaks off says so")
    func truncated() throws {
        let bytes = try Self.capture()
        let reader = try EvidenceReader(source: MemorySource(bytes.dropLast(200)), file: "f", host: 0)
        while try reader.next() != nil {}
        #expect(reader.endedWithoutSummary)
        #expect(reader.damage.contains { $0.what.contains("without its statistics") })
    }

    @Test(
        "the witness, tcpdump and tshark read it without a warning",
        .enabled("all three are installed") {
            AnnotatedCaptureWitnesses.areRequired
                || ["python3", "tcpdump", "tshark"].allSatisfy { AnnotatedCaptureWitnesses.find($0) != nil }
        },
        arguments: ["python3", "tcpdump", "tshark"])
    func witnesses(program: String) throws {
        let path = AnnotatedCaptureWitnesses.temporaryPath()
        defer { AnnotatedCaptureWitnesses.remove(path) }
        try Data(Self.capture()).write(to: URL(filePath: path.string))
        let arguments =
            switch program {
            case "python3": [AnnotatedCaptureWitnesses.dump, path.string]
            case "tcpdump": ["-n", "-r", path.string]
            default: ["-r", path.string, "-T", "fields", "-e", "frame.packet_flags_direction", "-e", "frame.comment"]
            }
        let executable = try #require(AnnotatedCaptureWitnesses.find(program))
        let outcome = try AnnotatedCaptureWitnesses.run(executable, arguments)
        #expect(outcome.status == 0)
        let complaints = outcome.errors.split(separator: "\n").filter {
            !$0.hasPrefix("reading from file") && !$0.contains("Running as user")
        }
        #expect(complaints.isEmpty)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == (program == "python3" ? 16 : 9))
        if program == "tshark" { #expect(lines.first?.contains("PID=2136 TID=2140 VERDICT=process") == true) }
    }
}

/// What a writer wrote to a temporary file, which is gone afterwards.
private func written(_ body: (FileDescriptor) throws -> Void) throws -> [UInt8] {
    let path = AnnotatedCaptureWitnesses.temporaryPath()
    defer { AnnotatedCaptureWitnesses.remove(path) }
    let descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite])
    try descriptor.closeAfter { try body(descriptor) }
    return [UInt8](try Data(contentsOf: URL(filePath: path.string)))
}
