import TextEscaping
import Yams

/// One mapping of a rule file: its values by key, each with the line it stands on.
struct RuleFileMapping {
    /// A value and where it is.
    struct Entry {
        let node: Node
        let path: String
        let line: Int
    }

    let file: String
    let path: String
    let line: Int
    private var entries: [String: Entry] = [:]

    /// Takes a node for a mapping that has no other keys than `known`.
    init(_ node: Node, file: String, path: String, line: Int, known: [String]) throws(RuleFileError) {
        self.file = file
        self.path = path
        self.line = node.mark?.line ?? line
        guard case .mapping(let mapping) = node else {
            throw RuleFileError(
                file: file, line: self.line, key: path,
                problem: "expected a mapping with the keys \(known.joined(separator: ", "))")
        }
        for (key, value) in mapping {
            let line = key.mark?.line ?? self.line
            guard let name = key.scalar?.string, known.contains(name) else {
                throw RuleFileError(
                    file: file, line: line, key: Self.join(path, Self.shown(key.scalar?.string ?? "")),
                    problem: "is no known key; known here are \(known.joined(separator: ", "))")
            }
            entries[name] = Entry(node: value, path: Self.join(path, name), line: value.mark?.line ?? line)
        }
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Text of the file, harmless and short.
    static func shown(_ text: String) -> String {
        let shown = LosslessEscape.text(text)
        return shown.count > 60 ? shown.prefix(59) + "…" : shown
    }

    /// The value of a key, if it is there.
    subscript(key: String) -> Entry? { entries[key] }

    /// A key's scalar as it is written, if the key is there.
    func scalar(_ key: String, expected: String) throws(RuleFileError) -> String? {
        guard let entry = entries[key] else { return nil }
        guard let text = entry.node.scalar?.string, !text.isEmpty else { throw failure(entry, expected: expected) }
        return text
    }

    /// A key's value, made of its scalar by `make`, if the key is there.
    func value<Value>(
        _ key: String, expected: String, _ make: (String) -> Value?
    ) throws(RuleFileError) -> Value? {
        guard let text = try scalar(key, expected: expected) else { return nil }
        guard let value = make(text) else { throw failure(key, expected: expected) }
        return value
    }

    /// A key's values, made of a scalar or of each scalar of a list.
    func values<Value>(
        _ key: String, expected: String, limit: Int, _ make: (String) -> Value?
    ) throws(RuleFileError) -> [Value] {
        guard let entry = entries[key] else { return [] }
        let nodes = entry.node.sequence.map(Array.init) ?? [entry.node]
        guard !nodes.isEmpty, nodes.count <= limit else {
            throw failure(entry, expected: "\(expected), or a list of 1 to \(limit) of these")
        }
        var values: [Value] = []
        for node in nodes {
            guard let text = node.scalar?.string, let value = make(text) else {
                let element = Entry(node: node, path: entry.path, line: node.mark?.line ?? entry.line)
                throw failure(element, expected: "\(expected), or a list of these")
            }
            values.append(value)
        }
        return values
    }

    /// A key's mapping, if the key is there.
    func mapping(_ key: String, known: [String]) throws(RuleFileError) -> RuleFileMapping? {
        guard let entry = entries[key] else { return nil }
        return try RuleFileMapping(entry.node, file: file, path: entry.path, line: entry.line, known: known)
    }

    /// A key whose value is not what was expected.
    func failure(_ key: String, expected: String) -> RuleFileError {
        guard let entry = entries[key] else {
            return RuleFileError(
                file: file, line: line, key: Self.join(path, key), problem: "is missing; expected \(expected)")
        }
        return failure(entry, expected: expected)
    }

    /// A key with which something is wrong.
    func failure(_ key: String, problem: String) -> RuleFileError {
        RuleFileError(file: file, line: entries[key]?.line ?? line, key: Self.join(path, key), problem: problem)
    }

    private func failure(_ entry: Entry, expected: String) -> RuleFileError {
        let found =
            switch entry.node {
            case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "\"\(Self.shown(scalar.string))\""
            case .mapping: "a mapping"
            case .sequence: "a list"
            case .alias: "an alias"
            }
        return RuleFileError(
            file: file, line: entry.line, key: entry.path, problem: "expected \(expected); found \(found)")
    }
}
