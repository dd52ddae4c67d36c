internal import Glibc
internal import TextEscaping

/// The names of the network interfaces of this process's network namespace (escaped), in the kernel's order. Needs no
/// privilege; empty where the kernel cannot be asked.
public func listInterfaces() -> [String] {
    guard let first = unsafe if_nameindex() else { return [] }
    defer { unsafe if_freenameindex(first) }
    var names: [String] = []
    var entry = unsafe first
    while let name = unsafe entry.pointee.if_name {
        unsafe names.append(LosslessEscape.text(String(cString: name)))
        unsafe entry += 1
    }
    return names
}
