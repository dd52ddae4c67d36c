internal import CArguments

/// The words of the command line without the program's name; also where /proc is not mounted, where Swift's
/// `CommandLine` knows of none.
public func programArguments() -> [String] {
    (0..<arguments_count()).dropFirst().compactMap { index in
        unsafe arguments_word(index).map { unsafe String(cString: $0) }
    }
}
