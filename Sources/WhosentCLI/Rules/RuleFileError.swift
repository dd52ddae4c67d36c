import TextEscaping
import Yams

/// What is wrong with a rule file, where, and what was expected there.
struct RuleFileError: Error, Hashable, CustomStringConvertible {
    /// The file, as it is shown.
    var file: String
    /// From 1; 0 where it is the file as a whole.
    var line: Int
    /// The path of keys, joined with dots; empty where it is no key's value.
    var key: String
    /// What was expected and what was found.
    var problem: String

    /// `FILE:LINE: KEY: PROBLEM`.
    var description: String {
        [line > 0 ? "\(file):\(line)" : file, key, problem].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}

extension RuleFileError {
    /// What the YAML parser says, in one line.
    init(_ error: any Error, file: String, text: String) {
        var line = 0
        var problem = "cannot be read as YAML"
        switch error as? YamlError {
        case .scanner(_, let found, let mark, _), .parser(_, let found, let mark, _),
            .composer(_, let found, let mark, _):
            line = mark.line
            problem = "is no YAML here: \(found)"
        case .reader(let found, let offset, _, _):
            line = offset.map { 1 + text.prefix($0).filter(\.isNewline).count } ?? 0
            problem = "is no YAML here: \(found)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            line = context.mark.line
            problem = "the mapping that begins here has a key twice: \(duplicates.sorted().joined(separator: ", "))"
        default: break
        }
        self.init(file: file, line: line, key: "", problem: LosslessEscape.text(problem))
    }
}
