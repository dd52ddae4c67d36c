import SystemPackage

/// Whether a file can be read twice: pipes and standard input cannot.
func isRepeatable(_ path: String) -> Bool {
    guard path != "-", let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: [.nonBlocking]) else {
        return false
    }
    defer { try? file.close() }
    return (try? file.seek(offset: 0, from: .current)) != nil
}
