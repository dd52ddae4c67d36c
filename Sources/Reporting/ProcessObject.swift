public import Records
public import TextEscaping

extension ProcessDescription {
    /// The most ancestors that are written: a chain read from a hostile file cannot nest without end.
    static let ancestorLimit = 32

    /// Writes ECS's `process` object as the next value: one place for NDJSON, CSV and annotated captures.
    ///
    /// - Parameters:
    ///   - thread: the sending thread's id, where known.
    ///   - threadName: its name, where known.
    public func writeObject(to json: inout JSONWriter, thread: UInt32? = nil, threadName: String? = nil) {
        json.object { json in
            let ancestors = parents.prefix(Self.ancestorLimit)
            writeMembers(to: &json, thread: thread, threadName: threadName, ancestors: ancestors)
        }
    }

    /// The chain is a list, nearest first; ECS nests it. The kernel's own parent of everything, 0, is no process.
    static func writeParent(_ chain: ArraySlice<ProcessDescription>, to json: inout JSONWriter) {
        guard let parent = chain.first, parent.pid != 0 else { return }
        json.member("parent") { json in
            parent.writeMembers(to: &json, thread: nil, threadName: nil, ancestors: chain.dropFirst())
        }
    }

    private func writeMembers(
        to json: inout JSONWriter, thread: UInt32?, threadName: String?, ancestors: ArraySlice<ProcessDescription>
    ) {
        json.member("pid", pid)
        json.member("vpid", innerPID)
        if let thread {
            json.member("thread") { json in
                json.member("id", thread)
                json.text("name", threadName)
            }
        }
        json.text("name", name)
        json.text("executable", executable)
        if let arguments {
            json.key("args")
            json.texts(arguments)
        }
        json.time("start", start)
        Self.writeParent(ancestors, to: &json)
        Self.write(user, as: "user", to: &json)
        Self.write(group, as: "group", to: &json)
        if let sha256, !sha256.isEmpty {
            json.member("hash") { json in json.member("sha256", sha256) }
        }
        json.text("entity_id", entityID)
    }

    private static func write(_ principal: Principal?, as name: StaticString, to json: inout JSONWriter) {
        guard let principal, !principal.id.isEmpty else { return }
        json.member(name) { json in
            json.text("id", principal.id)
            json.text("name", principal.name)
        }
    }
}
