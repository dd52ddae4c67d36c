import Records
import TextEscaping

/// Why a text is no manifest that can be verified, as the end of a sentence that begins with its file.
public struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The end of the sentence; harmless on a terminal.
    public let description: String

    init(_ description: String) { self.description = description }
}

extension AuditManifest {
    /// The largest manifest that is read, in bytes.
    public static let sizeLimit = 1 << 20

    /// Reads a manifest strictly: every member is known and of its kind, and the text is byte for byte what would be
    /// written for it.
    public init(decoding text: [UInt8]) throws(ManifestError) {
        guard text.count <= Self.sizeLimit, let value = JSONValue(text), case .object = value else {
            throw ManifestError("is no manifest: it is not one JSON object, or is damaged")
        }
        guard let version = value["whosent_manifest"]?.integer(Int.self) else {
            throw ManifestError("is no manifest of whosent, or is damaged: \"whosent_manifest\" is missing")
        }
        guard version == Self.version else {
            throw ManifestError("is of version \(version), and this whosent reads version \(Self.version) only")
        }
        try Self.checkSum(text)
        let members = try Members(
            value, "the manifest",
            known: [
                "whosent_manifest", "case", "examiner", "tool", "command", "options", "inputs", "outputs", "machines",
                "time", "clock_offsets", "manifest_sha256",
            ])
        self.init(
            caseID: try members.string("case"), examiner: try members.string("examiner"),
            toolVersion: try members.string("tool"))
        request = try Request(value["options"] ?? .null)
        inputs = try members.list("inputs", Input.init)
        outputs = try members.list("outputs", Output.init)
        machines = try members.list("machines", Machine.init)
        if let span = value["time"] { time = try Span(span) }
        clockOffsets = try members.list("clock_offsets", ClockOffset.init)
        guard outputs.map(\.name) == Output.Name.allCases else {
            throw ManifestError("does not list \(Output.Name.allCases.map(\.rawValue).joined(separator: " and "))")
        }
        // What is left: another order, spaces, a command line that does not fit the options.
        guard encoded() == text else {
            throw ManifestError("is not written as whosent writes manifests: it was changed after it was made")
        }
    }

    private static func checkSum(_ text: [UInt8]) throws(ManifestError) {
        let length = ending(of: []).count
        guard text.count > length, Array(text.suffix(length)) == ending(of: Array(text.dropLast(length))) else {
            throw ManifestError("is damaged or was changed: its own checksum does not fit")
        }
    }
}

/// The members of an object, all of them known.
private struct Members {
    private let value: JSONValue
    private let place: String

    init(_ value: JSONValue, _ place: String, known: Set<String>) throws(ManifestError) {
        guard case .object(let members) = value else { throw ManifestError("has \(place) that is no object") }
        if let unknown = members.keys.filter({ !known.contains($0) }).min() {
            throw ManifestError("has \"\(LosslessEscape.text(unknown))\" in \(place), which this whosent does not know")
        }
        self.value = value
        self.place = place
    }

    private func wrong(_ name: String) -> ManifestError {
        ManifestError("has no usable \"\(name)\" in \(place)")
    }

    func string(_ name: String) throws(ManifestError) -> String {
        guard let text = value[name]?.string else { throw wrong(name) }
        return text
    }

    func optionalString(_ name: String) throws(ManifestError) -> String? {
        value[name] == nil ? nil : try string(name)
    }

    func integer<Value: FixedWidthInteger>(_ name: String) throws(ManifestError) -> Value {
        guard let number = value[name]?.integer(Value.self) else { throw wrong(name) }
        return number
    }

    func decimal(_ name: String) throws(ManifestError) -> Double {
        guard case .number(let text)? = value[name], let number = Double(text) else { throw wrong(name) }
        return number
    }

    func optionalDecimal(_ name: String) throws(ManifestError) -> Double? {
        value[name] == nil ? nil : try decimal(name)
    }

    func flag(_ name: String) throws(ManifestError) -> Bool {
        guard let flag = value[name]?.flag else { throw wrong(name) }
        return flag
    }

    func time(_ name: String) throws(ManifestError) -> Timestamp {
        guard let time = Timestamp(try string(name)) else { throw wrong(name) }
        return time
    }

    func list<Element>(
        _ name: String, _ make: (JSONValue) throws(ManifestError) -> Element
    ) throws(ManifestError) -> [Element] {
        guard let elements = value[name]?.elements else { throw wrong(name) }
        var list: [Element] = []
        for element in elements { list.append(try make(element)) }
        return list
    }

    func strings(_ name: String) throws(ManifestError) -> [String] {
        try list(name) { element throws(ManifestError) in
            guard let text = element.string else { throw wrong(name) }
            return text
        }
    }

    func integers<Value: FixedWidthInteger>(_ name: String) throws(ManifestError) -> [Value] {
        try list(name) { element throws(ManifestError) in
            guard let number = element.integer(Value.self) else { throw wrong(name) }
            return number
        }
    }

    func digest() throws(ManifestError) -> ContentDigest {
        let hash = try string("sha256")
        guard ContentDigest.isHash(hash) else { throw wrong("sha256") }
        return ContentDigest(length: try integer("bytes"), sha256: hash)
    }
}

extension AuditManifest.Request {
    fileprivate init(_ value: JSONValue) throws(ManifestError) {
        let members = try Members(
            value, "its options",
            known: [
                "filter", "clock_offset", "newmail_ports", "pids", "processes", "tags", "min_confidences", "verdicts",
                "no_args", "process_table", "record_table",
            ])
        self.init()
        filter = try members.optionalString("filter")
        clockOffset = try members.string("clock_offset")
        newMailPorts = try members.integers("newmail_ports")
        processIDs = try members.integers("pids")
        processNames = try members.strings("processes")
        tags = try members.strings("tags")
        minimumConfidences = try members.strings("min_confidences")
        verdicts = try members.strings("verdicts")
        withoutArguments = try members.flag("no_args")
        processTable = try members.integer("process_table")
        recordTable = try members.integer("record_table")
    }
}

extension AuditManifest.Input {
    fileprivate init(_ value: JSONValue) throws(ManifestError) {
        let members = try Members(value, "an input", known: ["path", "role", "bytes", "sha256"])
        let text = try members.string("path")
        guard let path = ManifestPath(text) else {
            throw ManifestError(
                "names the input \"\(LosslessEscape.text(text))\": paths are relative to the manifest, and only \"..\" at "
                    + "their begin leads out of its folder")
        }
        guard let role = Role(rawValue: try members.string("role")) else {
            throw ManifestError("has an input of a role that this whosent does not know")
        }
        self.init(role: role, path: path, digest: try members.digest())
    }
}

extension AuditManifest.Output {
    fileprivate init(_ value: JSONValue) throws(ManifestError) {
        let members = try Members(value, "an output", known: ["path", "bytes", "sha256"])
        guard let name = Name(rawValue: try members.string("path")) else {
            throw ManifestError("names an output that no report has")
        }
        self.init(name: name, digest: try members.digest())
    }
}

extension AuditManifest.Machine {
    fileprivate init(_ value: JSONValue) throws(ManifestError) {
        let members = try Members(value, "a machine", known: ["evidence", "host", "kernel", "boot_id"])
        self.init(
            evidence: try members.string("evidence"), host: try members.optionalString("host"),
            kernel: try members.optionalString("kernel"), bootID: try members.optionalString("boot_id"))
    }
}

extension AuditManifest.Span {
    fileprivate init(_ value: JSONValue) throws(ManifestError) {
        let members = try Members(value, "its time", known: ["first", "last"])
        self.init(first: try members.time("first"), last: try members.time("last"))
    }
}

extension AuditManifest.ClockOffset {
    fileprivate init(_ value: JSONValue) throws(ManifestError) {
        let members = try Members(value, "a clock offset", known: ["seconds", "spread", "matches"])
        self.init(
            seconds: try members.decimal("seconds"), spread: try members.optionalDecimal("spread"),
            matches: try members.integer("matches"))
    }
}
