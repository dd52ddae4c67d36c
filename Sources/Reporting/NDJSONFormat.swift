internal import Classification
internal import Correlation
internal import Records
internal import TextEscaping

/// One JSON object a line: a line for each UDP or ICMP packet, and the summary as the last one.
///
/// Field names are those of the Elastic Common Schema where it has one; the tool's own are under `whosent`. Members
/// come in a fixed order, what is unknown is absent.
public struct NDJSONFormat: ReportFormat {
    /// The version of the Elastic Common Schema whose names are used.
    private static let schemaVersion = "8.17.0"

    private var json = JSONWriter(reservingCapacity: 4096)

    /// A format with an empty buffer.
    public init() {}

    /// Nothing: there is no header.
    public mutating func begin(into output: inout [UInt8]) {}

    /// Appends one packet's line.
    public mutating func packet(_ reported: ReportedPacket, into output: inout [UInt8]) {
        guard reported.packet.ip.isReported else { return }
        json.removeAll()
        json.object { json in
            Self.writeHeaders(reported, to: &json)
            Self.writeObserver(reported, to: &json)
            json.member("host", name: reported.hostName)
            if let process = reported.shownProcess {
                json.key("process")
                process.writeObject(to: &json, thread: reported.threadID, threadName: reported.threadName)
                json.member("container", id: process.containerID)
                json.member("service", name: process.serviceName)
            }
            json.member("whosent") { json in
                Self.writePlace(reported, to: &json)
                Self.writeVerdict(reported, to: &json)
                Self.writeTag(reported.tag, to: &json)
            }
        }
        json.newline()
        output.append(contentsOf: json.bytes)
    }

    /// Appends the summary's line.
    public mutating func summary(_ summary: RunSummary, into output: inout [UInt8]) {
        json.removeAll()
        summary.writeObject(to: &json)
        json.newline()
        output.append(contentsOf: json.bytes)
    }

    private static func writeHeaders(_ reported: ReportedPacket, to json: inout JSONWriter) {
        let packet = reported.packet
        let ip = packet.ip
        json.time("@timestamp", packet.time)
        json.member("ecs") { json in json.member("version", schemaVersion) }
        json.member("event") { json in json.member("action", ip.eventAction) }
        json.member("network") { json in
            json.member("transport", ip.transportName)
            json.member("type", ip.versionName)
            json.member("direction", packet.direction.name)
            json.member("bytes", ip.totalLength)
        }
        json.endpoint("source", ip.source, port: ip.knownSourcePort, mac: reported.sourceMAC)
        json.endpoint("destination", ip.destination, port: ip.knownDestinationPort, mac: packet.destinationMAC)
        guard ip.hasICMPHeader else { return }
        json.member("icmp") { json in
            json.member("type", ip.icmpType)
            json.member("code", ip.icmpCode)
            if ip.isEcho {
                json.member("id", ip.sourcePort)
                json.member("seq", ip.destinationPort)
            }
        }
    }

    private static func writeObserver(_ reported: ReportedPacket, to json: inout JSONWriter) {
        let ingress = reported.ingressInterface
        let egress = reported.egressInterface
        guard ingress?.isEmpty == false || egress?.isEmpty == false else { return }
        json.member("observer") { json in
            json.interface("ingress", ingress)
            json.interface("egress", egress)
        }
    }

    private static func writePlace(_ reported: ReportedPacket, to json: inout JSONWriter) {
        let packet = reported.packet
        let ip = packet.ip
        json.member("frame", packet.frame)
        json.member("packet_id", packet.packetID)
        json.text("capture", reported.captureName)
        json.member("payload") { json in
            json.member("length", ip.payloadLength)
            if ip.payloadPrefix.count > 0 {
                json.key("prefix")
                json.prefix(ip.payloadPrefix)
            }
        }
        if ip.isFragment {
            json.member("fragment") { json in
                json.member("offset", ip.fragmentOffset)
                json.key("more")
                json.value(ip.moreFragments)
            }
        }
        if ip.isTruncated {
            json.key("truncated")
            json.value(true)
        }
    }

    private static func writeVerdict(_ reported: ReportedPacket, to json: inout JSONWriter) {
        let verdict = reported.verdict
        json.member("verdict", verdict.kind.name)
        json.member("confidence", verdict.confidence.name)
        json.member("method", verdict.method.name)
        json.text("reason", verdict.reason.description)
        json.key("candidates")
        reported.writeCandidates(to: &json)
        if let tuple = verdict.beforeNAT {
            let hasPorts = reported.packet.ip.transport == .udp
            json.member("before_nat") { json in
                json.endpoint("source", tuple.source, port: hasPorts ? tuple.sourcePort : nil)
                json.endpoint("destination", tuple.destination, port: hasPorts ? tuple.destinationPort : nil)
            }
        }
        if let creator = verdict.socketCreator {
            json.member("socket_creator") { json in
                json.member("pid", creator.process.pid)
                if creator.name != .empty { json.text("name", creator.name.description) }
            }
        }
        reported.writeTunnels(to: &json)
        json.member("image", reported.shownProcess?.image?.rawValue)
    }

    private static func writeTag(_ tag: Tag?, to json: inout JSONWriter) {
        guard let tag else { return }
        json.text("tag", tag.name)
        json.member("tag_confidence", tag.confidence.name)
        json.key("tag_reasons")
        json.texts(tag.reasons)
    }
}

extension ReportedPacket {
    /// The verdict's candidates as an array, the next value.
    func writeCandidates(to json: inout JSONWriter) {
        json.array { json in
            for (index, candidate) in verdict.candidates.enumerated() {
                json.object { json in
                    json.member("pid", candidate.sender.process.pid)
                    json.text("name", candidateName(index))
                    json.text("host", candidateHost(index))
                    json.text("reason", candidate.reason.description)
                }
            }
            writeHolders(to: &json)
        }
    }
}

extension JSONWriter {
    /// A key and an object with nothing but a name, if there is one.
    fileprivate mutating func member(_ key: StaticString, name: String?) {
        guard let name, !name.isEmpty else { return }
        member(key) { json in json.text("name", name) }
    }

    /// A key and an object with nothing but an id, if there is one.
    fileprivate mutating func member(_ key: StaticString, id: String?) {
        guard let id, !id.isEmpty else { return }
        member(key) { json in json.text("id", id) }
    }
}
