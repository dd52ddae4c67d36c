import Classification
import PcapNG
import Records
import SystemPackage
import TextEscaping
import Yams

/// A file of rules: YAML in, checked values out. docs/classifiers.md describes the format.
enum RuleFile {
    /// The largest file that is read, in bytes.
    static let sizeLimit = 256 << 10

    /// Reads a file.
    static func load(path: String) throws(CommandFailure) -> [Rule] {
        let shown = LosslessEscape.text(path)
        let bytes = try read(path, shown)
        do {
            return try rules(of: bytes, file: shown)
        } catch {
            throw CommandFailure(ExitStatus.noUsableInput, error.description)
        }
    }

    private static func read(_ path: String, _ shown: String) throws(CommandFailure) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            defer { try? file.close() }
            var source: any ByteSource = DescriptorSource(file)
            var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
            var count = 0
            while count < bytes.count {
                let read = try bytes.fill(from: count, &source)
                if read == 0 { break }
                count += read
            }
            return Array(bytes.prefix(count))
        } catch {
            throw CommandFailure(ExitStatus.noInput, "cannot read the rules in \(shown): \(error)")
        }
    }

    /// The rules of a file's bytes.
    static func rules(of bytes: [UInt8], file: String) throws(RuleFileError) -> [Rule] {
        guard bytes.count <= sizeLimit else {
            throw RuleFileError(file: file, line: 0, key: "", problem: "is larger than \(sizeLimit) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RuleFileError(file: file, line: 0, key: "", problem: "is not UTF-8")
        }
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch {
            throw RuleFileError(error, file: file, text: text)
        }
        let expected = "a list of 1 to \(Rule.countLimit) rules"
        guard let root else {
            throw RuleFileError(file: file, line: 0, key: "rules", problem: "is missing; expected \(expected)")
        }
        let top = try RuleFileMapping(root, file: file, path: "", line: 1, known: ["rules"])
        guard let list = top["rules"]?.node.sequence, !list.isEmpty, list.count <= Rule.countLimit else {
            throw top.failure("rules", expected: expected)
        }
        return try rules(Array(list), file: file)
    }

    private static func rules(_ nodes: [Node], file: String) throws(RuleFileError) -> [Rule] {
        var rules: [Rule] = []
        for node in nodes {
            let mapping = try RuleFileMapping(node, file: file, path: "", line: 1, known: keys)
            let rule = try rule(mapping)
            guard !rules.contains(where: { $0.name == rule.name }) else {
                throw mapping.failure("name", problem: "\(rule.name) is the name of a rule before")
            }
            rules.append(rule)
        }
        return rules
    }

    private static let keys = [
        "name", "description", "reference", "transport", "payload", "ports", "icmp", "direction", "ttl", "rate",
        "repeat",
    ]

    private static func rule(_ mapping: RuleFileMapping) throws(RuleFileError) -> Rule {
        let nameForm = "a name of letters, digits, dots, hyphens and underscores, at most 64"
        guard let name = try mapping.value("name", expected: nameForm, RuleFileValues.name) else {
            throw mapping.failure("name", expected: nameForm)
        }
        guard !RuleCatalogue.builtInNames.contains(name) else {
            throw mapping.failure("name", problem: "\(name) is a built-in tag; expected another name")
        }
        guard let description = try text(mapping, "description", limit: 200) else {
            throw mapping.failure("description", expected: "what such packets are, in at most 200 characters")
        }
        let transportForm = "udp, icmp or icmpv6"
        let transports = try mapping.values(
            "transport", expected: transportForm, limit: 3, RuleFileValues.transport)
        guard !transports.isEmpty else { throw mapping.failure("transport", expected: transportForm) }
        var rule = Rule(name: name, description: description, transports: Rule.Transports(transports))
        rule.reference = try text(mapping, "reference", limit: 300)
        try readPayload(mapping, into: &rule)
        try readPorts(mapping, into: &rule)
        try readICMP(mapping, into: &rule)
        rule.direction = try mapping.value("direction", expected: "egress or ingress") { text in
            text == "egress" ? .egress : text == "ingress" ? .ingress : nil
        }
        rule.hopLimit = try mapping.value("ttl", expected: "a number or range from 0 to 255, such as 64 or 1-64") {
            RuleFileValues.range($0, 0...UInt8.max)
        }
        try readBehaviour(mapping, into: &rule)
        return rule
    }

    private static func text(_ mapping: RuleFileMapping, _ key: String, limit: Int) throws(RuleFileError) -> String? {
        try mapping.value(key, expected: "text of 1 to \(limit) characters") { text in
            text.count <= limit ? LosslessEscape.text(text) : nil
        }
    }

    private static func readPayload(_ mapping: RuleFileMapping, into rule: inout Rule) throws(RuleFileError) {
        guard let payload = try mapping.mapping("payload", known: ["length", "patterns"]) else { return }
        rule.payloadLength = try payload.value(
            "length", expected: "a number or range of bytes from 0 to 65535, such as 8, 8-16 or 8-"
        ) { RuleFileValues.range($0, 0...UInt32(UInt16.max)) }
        guard let patterns = payload["patterns"] else { return }
        guard let list = patterns.node.sequence, !list.isEmpty, list.count <= Rule.patternLimit else {
            throw payload.failure("patterns", expected: "a list of 1 to \(Rule.patternLimit) patterns")
        }
        for node in list { try readPattern(node, patterns, payload.file, into: &rule) }
        if let length = rule.payloadLength, length.upperBound < rule.pattern.end {
            throw payload.failure(
                "length", problem: "no payload of this length holds the patterns, which need \(rule.pattern.end) bytes")
        }
    }

    private static func readPattern(
        _ node: Node, _ patterns: RuleFileMapping.Entry, _ file: String, into rule: inout Rule
    ) throws(RuleFileError) {
        let pattern = try RuleFileMapping(
            node, file: file, path: patterns.path, line: patterns.line, known: ["bytes", "mask", "offset"])
        let reach = PayloadPattern.reach
        let form = "1 to \(reach) bytes in hexadecimal, such as \"80 c9 00 01\""
        guard let bytes = try pattern.value("bytes", expected: form, RuleFileValues.bytes) else {
            throw pattern.failure("bytes", expected: form)
        }
        let mask = try pattern.value("mask", expected: form, RuleFileValues.bytes)
        let offset = try pattern.value("offset", expected: "a number from 0 to \(reach - 1)") {
            RuleFileValues.number($0, 0...reach - 1)
        }
        do throws(PayloadPattern.Problem) {
            try rule.pattern.add(bytes, mask: mask, at: offset ?? 0)
        } catch {
            switch error {
            case .empty: throw pattern.failure("bytes", expected: form)
            case .beyondReach:
                throw pattern.failure("bytes", problem: "only a payload's first \(reach) bytes can be compared")
            case .maskLength:
                throw pattern.failure("mask", problem: "expected as many bytes as in bytes, \(bytes.count)")
            case .contradiction:
                throw pattern.failure("bytes", problem: "contradicts a pattern before: no payload has both")
            }
        }
    }

    private static func readPorts(_ mapping: RuleFileMapping, into rule: inout Rule) throws(RuleFileError) {
        guard let ports = try mapping.mapping("ports", known: ["source", "destination", "either"]) else { return }
        guard rule.transports == .udp else {
            throw mapping.failure("ports", problem: "goes with transport udp alone")
        }
        func ranges(_ key: String) throws(RuleFileError) -> [ClosedRange<UInt16>] {
            try ports.values(
                key, expected: "a port or range from 0 to 65535, such as 53 or 1024-65535", limit: Rule.portRangeLimit
            ) { RuleFileValues.range($0, 0...UInt16.max) }
        }
        rule.sourcePorts = try ranges("source")
        rule.destinationPorts = try ranges("destination")
        rule.eitherPorts = try ranges("either")
    }

    private static func readICMP(_ mapping: RuleFileMapping, into rule: inout Rule) throws(RuleFileError) {
        guard let icmp = try mapping.mapping("icmp", known: ["type", "code"]) else { return }
        guard !rule.transports.contains(.udp) else {
            throw mapping.failure("icmp", problem: "goes with transport icmp or icmpv6, not with udp")
        }
        let form = "a number from 0 to 255"
        rule.icmpType = try icmp.value("type", expected: form) { RuleFileValues.number($0, 0...UInt8.max) }
        rule.icmpCode = try icmp.value("code", expected: form) { RuleFileValues.number($0, 0...UInt8.max) }
    }

    private static func readBehaviour(_ mapping: RuleFileMapping, into rule: inout Rule) throws(RuleFileError) {
        let spanForm = "a span of time such as 60s, 500ms or 5m"
        if let rate = try mapping.mapping("rate", known: ["packets", "within"]) {
            let countForm = "a number from 2 to 1000000"
            guard
                let packets = try rate.value(
                    "packets", expected: countForm, { RuleFileValues.number($0, 2...UInt32(1_000_000)) })
            else { throw rate.failure("packets", expected: countForm) }
            guard let span = try rate.value("within", expected: spanForm, RuleFileValues.span) else {
                throw rate.failure("within", expected: spanForm)
            }
            rule.rate = Rule.Rate(packets: packets, span: span)
        }
        if let repetition = try mapping.mapping("repeat", known: ["every", "tolerance"]) {
            guard let interval = try repetition.value("every", expected: spanForm, RuleFileValues.span) else {
                throw repetition.failure("every", expected: spanForm)
            }
            let tolerance = try repetition.value("tolerance", expected: spanForm, RuleFileValues.span) ?? interval / 10
            guard tolerance < interval else {
                throw repetition.failure("tolerance", problem: "must be shorter than every, \(interval) ns")
            }
            rule.repetition = Rule.Repetition(interval: interval, tolerance: tolerance)
        }
    }
}
