/// Where a file lies, seen from the folder of its manifest: `../eth0.pcap`.
///
/// Nothing but `..` at the begin leads out of the folder, so that a path means one place whatever links lie on the way,
/// and a folder can be moved together with its manifest. Absolute paths name a place on one machine; they are refused.
public struct ManifestPath: Hashable, Sendable {
    /// With `/` between names; no name is empty or `.`, and `..` stands before all others.
    public let text: String

    private static let longest = 4096

    /// A path of this form; nil for any other text.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.longest, !text.utf8.contains(0) else { return nil }
        let names = text.split(separator: "/", omittingEmptySubsequences: false)
        let below = names.drop { $0 == ".." }
        guard !below.isEmpty, below.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
        self.text = text
    }

    /// The way from a folder to a file.
    ///
    /// - Parameters:
    ///   - file: an absolute path without links, `.` and `..`; so is `folder`.
    public init?(to file: String, from folder: String) {
        guard file.hasPrefix("/"), folder.hasPrefix("/") else { return nil }
        let target = file.split(separator: "/")
        let origin = folder.split(separator: "/")
        let shared = zip(target, origin).prefix { $0 == $1 }.count
        let up = [Substring](repeating: "..", count: origin.count - shared)
        self.init((up + target.dropFirst(shared)).joined(separator: "/"))
    }

    /// The place on this machine. - Parameter folder: the manifest's folder; empty for the current one.
    public func resolved(in folder: String) -> String {
        // A name that begins with a hyphen must never be taken for an option or for standard input.
        if folder.isEmpty { return text.hasPrefix("-") ? "./\(text)" : text }
        return folder.hasSuffix("/") ? folder + text : "\(folder)/\(text)"
    }
}
