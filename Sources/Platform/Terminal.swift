internal import Glibc

/// What is known of the terminal on standard output, and of the one on standard error.
public enum Terminal {
    /// Standard output is a terminal.
    public static var isPresent: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Standard error is a terminal.
    public static var hasErrors: Bool { isatty(STDERR_FILENO) == 1 }

    /// The terminal can do no more than print one line after the other, or says nothing of itself.
    public static var isDumb: Bool { ["", "dumb"].contains(environment("TERM") ?? "") }

    /// Colour only on a terminal, and only if nobody objects (no-color.org).
    public static var showsColour: Bool {
        isPresent && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
    }

    /// Columns, where standard output is a terminal.
    public static var width: Int? { width(of: STDOUT_FILENO) }

    /// Columns, where standard error is a terminal.
    public static var errorWidth: Int? { width(of: STDERR_FILENO) }

    private static func width(of descriptor: CInt) -> Int? {
        var size = winsize()
        guard isatty(descriptor) == 1, unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }

    /// Takes the user's locale for characters alone, which ncurses needs.
    ///
    /// - Returns: whether its encoding is UTF-8.
    public static func adoptLocale() -> Bool {
        _ = unsafe setlocale(LC_CTYPE, "")
        return unsafe nl_langinfo(nl_item(CODESET)).map { unsafe String(cString: $0) == "UTF-8" } ?? false
    }
}

/// A variable of the environment.
public func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
