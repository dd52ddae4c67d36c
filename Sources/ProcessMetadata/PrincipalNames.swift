/// Gives users and groups their names.
///
/// Injected, so that commands that read files never ask this machine: a number there may be another user here.
public protocol PrincipalNames: Sendable {
    /// The name of a user, in the lossless escape; nil where unknown.
    func userName(_ id: UInt32) -> String?
    /// The name of a group, in the lossless escape; nil where unknown.
    func groupName(_ id: UInt32) -> String?
}

/// Numbers stay numbers.
public struct NoPrincipalNames: PrincipalNames {
    /// No names.
    public init() {}
    /// Always nil.
    public func userName(_ id: UInt32) -> String? { nil }
    /// Always nil.
    public func groupName(_ id: UInt32) -> String? { nil }
}
