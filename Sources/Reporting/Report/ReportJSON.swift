internal import Classification
internal import Correlation
internal import Records
internal import TextEscaping

/// A report as JSON: `docs/report.md` describes the members.
///
/// Members are sorted by name and indented, and what is unknown is absent: equal reports give equal bytes.
public enum ReportJSON {
    /// The version of the form, raised by changes that a reader has to know of.
    static let version = 1

    /// The bytes, with a line end at the end.
    public static func encode(_ report: IncidentReport) -> [UInt8] {
        var output: [UInt8] = []
        object([
            "report_version": .of(version),
            "sentences": .texts(report.sentences),
            "question": question(report.question),
            "time": report.span.map { object(["first": .of($0.first), "last": .of($0.last)]) },
            "counts": counts(report.tally),
            "senders": .array(report.tally.senders.map(sender)),
            "groups": .array(report.groups.map { group($0) }),
            "timeline": timeline(report.timeline),
            "assurance": .array(report.assurance.map(statement)),
            "method": .texts(report.method),
            "limitations": .texts(report.limitations),
            "figures": figures(report.figures),
            "left_out": leftOut(report.leftOut),
        ]).write(to: &output, depth: 0)
        output.append(UInt8(ascii: "\n"))
        return output
    }

    /// Members that are unknown are left out.
    private static func object(_ members: [String: JSONValue?]) -> JSONValue {
        .object(members.compactMapValues { $0 })
    }

    private static func question(_ question: IncidentReport.Question) -> JSONValue {
        object([
            "inputs": .array(
                question.inputs.map { object(["name": .string($0.name), "role": .string($0.role.rawValue)]) }),
            "case": question.caseID.map(JSONValue.string),
            "examiner": question.examiner.map(JSONValue.string),
            "filter": question.captureFilter.map(JSONValue.string),
            "selection": .texts(question.selection),
            "clock_offset": question.statedClockOffset.map(JSONValue.string),
            "rules": question.rules.map(JSONValue.string),
            "newmail_ports": .array(question.newMailPorts.map { .of($0) }),
        ])
    }

    private static func counts(_ tally: ReportTally) -> JSONValue {
        object([
            "packets": .of(tally.packets),
            "named": .of(tally.namedPackets),
            "ambiguous": .of(tally.ambiguous),
            "unlisted": tally.unlisted > 0 ? .of(tally.unlisted) : nil,
            "verdicts": .object(
                Dictionary(uniqueKeysWithValues: Verdict.Kind.allCases.map { ($0.name, .of(tally.verdicts[$0] ?? 0)) })),
            "confidence_of_named": .object(
                Dictionary(
                    uniqueKeysWithValues: [Verdict.Confidence.exact, .probable, .possible].map {
                        ($0.name, .of(tally.named[$0] ?? 0))
                    })),
        ])
    }

    private static func sender(_ sender: ReportTally.Sender) -> JSONValue {
        object([
            "name": .string(sender.name), "executable": sender.executable.map(JSONValue.string),
            "packets": .of(sender.packets), "strongest": .string(sender.strongest.name),
            "weakest": .string(sender.weakest.name), "tags": .texts(sender.tags),
        ])
    }

    private static func group(_ group: SenderGroup) -> JSONValue {
        object([
            "sender": .string(group.senderText),
            "verdict": .string(group.kind.name),
            "confidence": .string(group.confidence.name),
            "overflow": group.isOverflow ? .flag(true) : nil,
            "methods": .object(
                Dictionary(uniqueKeysWithValues: group.methods.map { ($0.key.name, .of($0.value)) })),
            "reasons": counted(group.reasons),
            "process": group.process.map(process),
            "hashes": group.hashes.isEmpty ? nil : .texts(group.hashes),
            "host": group.host.map(JSONValue.string),
            "candidates": group.candidates.isEmpty ? nil : .array(group.candidates.map(candidate)),
            "ingress": group.origin.map(JSONValue.string),
            "on_behalf_of": group.onBehalfOf.map(candidate),
            "tunnel_owner": group.tunnelOwner.map(candidate),
            "tag": group.tag.map(JSONValue.string),
            "tag_confidence": group.tagConfidence.map { .string($0.name) },
            "tag_reasons": group.tagReasons.isEmpty ? nil : .texts(group.tagReasons),
            "protocols": .object(group.protocols.mapValues { .of($0) }),
            "packets": .of(group.packets),
            "bytes": .of(group.bytes),
            "destinations": counted(group.destinations),
            "destination_count": .of(group.destinationCount),
            "destination_count_is_lower_bound": .flag(group.hasMoreDestinations),
            "first": .of(group.first),
            "last": .of(group.last),
            "steps": .object(Dictionary(uniqueKeysWithValues: group.steps.map { ("\($0.key)", .of($0.value)) })),
            "payload": payload(group.payload),
            "frames": .array(
                group.frames.map { object(["capture": .string($0.capture), "frame": .of($0.frame)]) }),
        ])
    }

    private static func process(_ process: ProcessDescription) -> JSONValue {
        object([
            "pid": .of(process.pid),
            "vpid": process.innerPID.map { .of($0) },
            "name": process.name.map(JSONValue.string),
            "executable": process.executable.map(JSONValue.string),
            "args": process.arguments.map { .texts($0) },
            "start": process.start.map { .of($0) },
            "entity_id": process.entityID.map(JSONValue.string),
            "user": process.user.map(principal),
            "group": process.group.map(principal),
            "container": process.containerID.map(JSONValue.string),
            "service": process.serviceName.map(JSONValue.string),
            "image": process.image.map { .string($0.rawValue) },
            "parents": process.parents.isEmpty ? nil : .array(process.parents.map(Self.process)),
        ])
    }

    private static func principal(_ principal: ProcessDescription.Principal) -> JSONValue {
        object(["id": .string(principal.id), "name": principal.name.map(JSONValue.string)])
    }

    private static func candidate(_ candidate: SenderGroup.Candidate) -> JSONValue {
        object([
            "pid": .of(candidate.pid), "name": candidate.name.map(JSONValue.string),
            "host": candidate.host.map(JSONValue.string),
        ])
    }

    private static func counted(_ texts: [CountedText]) -> JSONValue {
        .array(texts.map { object(["text": .string($0.text), "packets": .of($0.packets)]) })
    }

    private static func payload(_ payload: PayloadShape) -> JSONValue {
        let bytes = payload.bytes.map { $0.varies ? ".." : PayloadShape.hex($0.value) }
        return object([
            "shortest": .of(payload.shortest), "longest": .of(payload.longest),
            "first": .string(payload.bytes.map { PayloadShape.hex($0.value) }.joined()),
            "common": .string(bytes.joined()),
        ])
    }

    private static func timeline(_ timeline: Timeline) -> JSONValue {
        object([
            "start": timeline.count == 0 ? nil : .of(timeline.time(of: 0)), "step_ns": .of(timeline.step),
            "steps": .of(timeline.count),
        ])
    }

    private static func statement(_ statement: AssuranceStatement) -> JSONValue {
        object([
            "subject": .string(statement.subject.rawValue), "caution": .flag(statement.isCaution),
            "text": .string(statement.text),
        ])
    }

    private static func leftOut(_ leftOut: IncidentReport.LeftOut) -> JSONValue {
        object([
            "group_limit": .of(leftOut.groupLimit), "packets": .of(leftOut.packets),
            "destination_packets": .of(leftOut.destinationPackets),
            "destinations_not_counted": .flag(leftOut.destinationsNotCounted),
        ])
    }

    private static func figures(_ figures: ReportFigures) -> JSONValue {
        object([
            "packets": .of(figures.packets), "distinct_packets": figures.distinctPackets.map { .of($0) },
            "records": .of(figures.records), "unmatched_records": .of(figures.unmatchedRecords),
            "lost": .object(
                Dictionary(uniqueKeysWithValues: figures.lost.map { ($0.key.rawValue, .of($0.value)) })),
            "coverage": .array(figures.coverage.map(span)),
            "clock_offsets": .array(
                figures.clockOffsets.map {
                    object([
                        "seconds": .number("\($0.seconds)"), "spread": $0.spread.map { .number("\($0)") },
                        "matches": .of($0.matches),
                    ])
                }),
            "damage": .array(
                figures.damage.map {
                    object(["file": .string($0.file), "offset": .of($0.offset), "what": .string($0.what)])
                }),
            "inputs_without_summary": .texts(figures.inputsWithoutSummary),
        ])
    }

    private static func span(_ span: ReportFigures.Span) -> JSONValue {
        object([
            "host": span.host.map(JSONValue.string), "start": .of(span.start), "stop": .of(span.stop),
            "filter": .string(span.filter),
            "lost": .array(
                span.losses.map {
                    object([
                        "kind": .string($0.kind.rawValue), "count": .of($0.count), "start": .of($0.start),
                        "stop": .of($0.stop),
                    ])
                }),
        ])
    }
}

extension PayloadShape {
    /// Two hexadecimal digits.
    public static func hex(_ byte: UInt8) -> String {
        String(decoding: [hexDigit(byte >> 4), hexDigit(byte & 0xF)], as: UTF8.self)
    }
}

extension JSONValue {
    fileprivate static func of(_ number: some BinaryInteger) -> JSONValue { .number("\(number)") }

    fileprivate static func of(_ time: Timestamp) -> JSONValue { .string(time.description) }

    fileprivate static func texts(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    /// Appends the value, members sorted by the bytes of their names, two spaces a level.
    fileprivate func write(to output: inout [UInt8], depth: Int) {
        switch self {
        case .null: output += "null".utf8
        case .flag(let flag): output += (flag ? "true" : "false").utf8
        case .number(let text): output += text.utf8
        case .string(let text): Self.quote(text, to: &output)
        case .array(let elements):
            Self.enclose("[", "]", elements, &output, depth) { element, output in
                element.write(to: &output, depth: depth + 1)
            }
        case .object(let members):
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            Self.enclose("{", "}", sorted, &output, depth) { member, output in
                Self.quote(member.key, to: &output)
                output += ": ".utf8
                member.value.write(to: &output, depth: depth + 1)
            }
        }
    }

    private static func enclose<Element>(
        _ open: String, _ close: String, _ elements: [Element], _ output: inout [UInt8], _ depth: Int,
        _ body: (Element, inout [UInt8]) -> Void
    ) {
        output += open.utf8
        for (index, element) in elements.enumerated() {
            output += (index == 0 ? "\n" : ",\n").utf8
            output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * (depth + 1)))
            body(element, &output)
        }
        if !elements.isEmpty {
            output.append(UInt8(ascii: "\n"))
            output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
        }
        output += close.utf8
    }

    private static func quote(_ text: String, to output: inout [UInt8]) {
        var writer = JSONWriter()
        writer.value(text)
        output += writer.bytes
    }
}
