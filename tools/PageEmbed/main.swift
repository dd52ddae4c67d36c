// Writes text files as one Swift source file: PageEmbed OUTPUT FILE...
import Foundation

struct Failure: Error, CustomStringConvertible {
    let description: String
}

/// A multi-line literal with as many number signs as the text needs to hold no end and no interpolation.
func literal(_ text: String) -> String {
    var signs = "#"
    while text.contains("\"\"\"" + signs) || text.contains("\\" + signs) { signs += "#" }
    // The literal's last line break is its delimiter's.
    return "\(signs)\"\"\"\n\(text)\n\"\"\"\(signs)"
}

func swiftSource(_ files: [(name: String, text: String)]) -> String {
    let entries = files.map { "\"\($0.name)\": \(literal($0.text))," }
    return """
        // Generated from the folder Page; do not edit.

        /// The files of the page, by name.
        enum PageFiles {
            static let all: [String: String] = [
        \(entries.joined(separator: "\n"))
            ]
        }

        """
}

do {
    let arguments = CommandLine.arguments.dropFirst()
    guard let output = arguments.first else { throw Failure(description: "name the output") }
    let files = try arguments.dropFirst().map { path in
        let file = URL(fileURLWithPath: path)
        return (name: file.lastPathComponent, text: try String(contentsOf: file, encoding: .utf8))
    }
    try swiftSource(files).write(toFile: output, atomically: true, encoding: .utf8)
} catch {
    FileHandle.standardError.write(Data("PageEmbed: \(error)\n".utf8))
    exit(1)
}
