public import Records
public import TextEscaping

/// What the comments of a process event block say of a process.
///
/// The first comment is ECS's `process` object and nothing else, so that any reader may take it as one. A second one
/// holds what has its place beside that object in ECS (`container`, `service`) and what identifies the image.
public struct ProcessComment: Hashable, Sendable {
    /// The process, with its start on the boot clock; 0 where the file has none.
    public var process: ProcessKey
    /// Which image it ran, where the file says.
    public var imageVersion: UInt32?
    /// When this was so, where the file says.
    public var time: Timestamp?
    /// The process as reports show it. Its parents have no parents of their own: the list is the whole chain.
    public var description: ProcessDescription

    /// What is known of a process.
    public init(
        process: ProcessKey, imageVersion: UInt32? = nil, time: Timestamp? = nil, description: ProcessDescription
    ) {
        self.process = process
        self.imageVersion = imageVersion
        self.time = time
        self.description = description
    }
}

// Writing.
extension ProcessComment {
    /// The most ancestors that are written.
    private static let ancestorLimit = 32

    /// The comments, each short enough for an option: where a command line is too long, it is cut, the parents' first.
    ///
    /// Empty texts are left out: absent means unknown.
    public var encoded: [[UInt8]] {
        var shown = description
        shown.parents = Array(shown.parents.prefix(Self.ancestorLimit))
        let whole = Self.object(shown)
        let first = whole.count <= BlockEncoder.optionLimit ? whole : Self.shortened(&shown)
        var details = JSONWriter()
        details.object { json in
            Self.writeSurroundings(of: shown, to: &json)
            json.member("whosent") { json in
                json.member("start", process.startTime)
                json.member("image_version", imageVersion)
                json.member("time", time?.description)
                json.member("image", shown.image?.rawValue)
                if first.count < whole.count { json.member("cut", "arguments") }
                Self.writeParents(shown.parents, to: &json)
            }
        }
        return [first, details.bytes]
    }

    private static func object(_ description: ProcessDescription) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 512)
        json.object { description.writeMembers(to: &$0, ancestors: description.parents[...]) }
        return json.bytes
    }

    private static func shortened(_ description: inout ProcessDescription) -> [UInt8] {
        for index in description.parents.indices { description.parents[index].arguments = nil }
        let arguments = description.arguments
        description.arguments = arguments.map { _ in [] }
        while object(description).count > BlockEncoder.optionLimit, !description.parents.isEmpty {
            description.parents.removeLast()
        }
        var room = BlockEncoder.optionLimit - object(description).count
        var json = JSONWriter()
        let kept = arguments?.prefix { argument in
            json.removeAll()
            json.value(argument)
            room -= json.bytes.count + 1
            return room >= 0
        }
        description.arguments = kept.map(Array.init)
        return object(description)
    }

    private static func writeSurroundings(of description: ProcessDescription, to json: inout JSONWriter) {
        if let container = description.containerID, !container.isEmpty {
            json.member("container") { $0.member("id", container) }
        }
        if let service = description.serviceName, !service.isEmpty {
            json.member("service") { $0.member("name", service) }
        }
    }

    private static func writeParents(_ parents: [ProcessDescription], to json: inout JSONWriter) {
        guard parents.contains(where: { $0.containerID != nil || $0.serviceName != nil || $0.image != nil }) else {
            return
        }
        json.key("parents")
        json.array { json in
            for parent in parents {
                json.object { json in
                    writeSurroundings(of: parent, to: &json)
                    json.member("image", parent.image?.rawValue)
                }
            }
        }
    }
}

extension ProcessDescription {
    fileprivate func writeMembers(to json: inout JSONWriter, ancestors: ArraySlice<ProcessDescription>) {
        json.member("pid", pid)
        json.member("vpid", innerPID)
        json.present("name", name)
        json.present("executable", executable)
        if let arguments {
            json.key("args")
            json.array { json in for argument in arguments { json.value(argument) } }
        }
        json.member("start", start?.description)
        if let parent = ancestors.first, parent.pid != 0 {
            json.member("parent") { parent.writeMembers(to: &$0, ancestors: ancestors.dropFirst()) }
        }
        Self.write(user, as: "user", to: &json)
        Self.write(group, as: "group", to: &json)
        if let sha256, !sha256.isEmpty { json.member("hash") { $0.member("sha256", sha256) } }
        json.present("entity_id", entityID)
    }

    private static func write(_ principal: Principal?, as name: StaticString, to json: inout JSONWriter) {
        guard let principal, !principal.id.isEmpty else { return }
        json.member(name) { json in
            json.member("id", principal.id)
            json.present("name", principal.name)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func present(_ name: StaticString, _ text: String?) {
        member(name, text?.isEmpty == true ? nil : text)
    }
}

// Reading.
extension ProcessComment {
    /// What the comments say; nil unless the first is a process object with a process id.
    public init?(comments: [String]) {
        guard let first = comments.first.flatMap({ JSONValue($0.utf8) }),
            var description = ProcessDescription(object: first)
        else { return nil }
        let details = comments.dropFirst().first.flatMap { JSONValue($0.utf8) }
        description.readSurroundings(details)
        let own = details?["whosent"]
        description.image = own?["image"]?.string.flatMap(ProcessDescription.ImageState.init)
        for (index, parent) in (own?["parents"]?.elements ?? []).enumerated() {
            guard index < description.parents.count else { break }
            description.parents[index].readSurroundings(parent)
            description.parents[index].image = parent["image"]?.string.flatMap(ProcessDescription.ImageState.init)
        }
        self.init(
            process: ProcessKey(pid: description.pid, startTime: own?["start"]?.integer() ?? 0),
            imageVersion: own?["image_version"]?.integer(), time: own?["time"]?.string.flatMap { Timestamp($0) },
            description: description)
    }
}

extension ProcessDescription {
    /// A process object with its chain of parents; nil without a process id.
    fileprivate init?(object: JSONValue) {
        guard let pid = object["pid"]?.integer(UInt32.self), pid != 0 else { return nil }
        self.init(pid: pid, name: object.escaped("name"))
        innerPID = object["vpid"]?.integer()
        executable = object.escaped("executable")
        arguments = object["args"]?.elements?.compactMap { $0.string.map(LosslessEscape.renewed) }
        start = object["start"]?.string.flatMap { Timestamp($0) }
        entityID = object.escaped("entity_id")
        user = Self.principal(object["user"])
        group = Self.principal(object["group"])
        sha256 = object["hash"]?.escaped("sha256")
        if let parent = object["parent"].flatMap(ProcessDescription.init(object:)) {
            var nearest = parent
            nearest.parents = []
            parents = [nearest] + parent.parents
        }
    }

    fileprivate mutating func readSurroundings(_ details: JSONValue?) {
        containerID = details?["container"]?.escaped("id")
        serviceName = details?["service"]?.escaped("name")
    }

    private static func principal(_ object: JSONValue?) -> Principal? {
        object?.escaped("id").map { Principal(id: $0, name: object?.escaped("name")) }
    }

}

extension JSONValue {
    /// A member that is a text, in the lossless escape; nil where it is absent or empty.
    public func escaped(_ name: String) -> String? {
        guard let text = self[name]?.string, !text.isEmpty else { return nil }
        return LosslessEscape.renewed(text)
    }
}

extension LosslessEscape {
    /// A text that should be in the escape already, from a file that may hold anything: escapes stay, and what should
    /// have been escaped is.
    static func renewed(_ text: String) -> String {
        // Most texts hold nothing that an escape could be for, or begin with.
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") } ? text : self.text(bytes(text))
    }
}
