internal import Glibc

/// What is known of the terminal on standard output.
public enum Terminal {
    /// Standard output is a terminal.
    public static var isPresent: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Colour only on a terminal, and only if nobody objects (no-color.org).
    public static var showsColour: Bool {
        isPresent && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
    }

    /// Columns, where standard output is a terminal.
    public static var width: Int? {
        guard isPresent else { return nil }
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

/// A variable of the environment.
public func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
