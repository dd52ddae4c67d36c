internal import SystemPackage
internal import TextEscaping

/// User and group names of this machine, from /etc/passwd and /etc/group, read once.
///
/// Not through the name service: with LDAP or the like it would wait for the network, and send datagrams of its own in
/// the middle of a run.
public struct PasswordFiles: PrincipalNames {
    private let users: [UInt32: String]
    private let groups: [UInt32: String]

    /// The names in a folder's `passwd` and `group`; what cannot be read has no names.
    public init(folder: String = "/etc") {
        func table(_ name: String) -> [UInt32: String] {
            let file = try? SystemCalls.read("\(folder)/\(name)", limit: 4 << 20)
            return file.map { Self.names($0.bytes) } ?? [:]
        }
        users = table("passwd")
        groups = table("group")
    }

    /// The name of a user, in the lossless escape.
    public func userName(_ id: UInt32) -> String? { users[id] }

    /// The name of a group, in the lossless escape.
    public func groupName(_ id: UInt32) -> String? { groups[id] }

    /// `name:password:id:...`; of several names for one id the first counts, as with getpwuid(3).
    static func names(_ bytes: [UInt8]) -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count >= 3, !fields[0].isEmpty, fields[0].first != UInt8(ascii: "#"),
                let id = ProcFSFormat.decimal(fields[2]).flatMap(UInt32.init(exactly:)), names[id] == nil
            else { continue }
            names[id] = LosslessEscape.text(fields[0])
        }
        return names
    }
}
