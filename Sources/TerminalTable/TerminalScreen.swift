internal import CNCurses
internal import CTerminalRestore
internal import Glibc

/// The terminal as a screen that is drawn anew, through ncurses.
///
/// ncurses keeps its state in globals: one thread makes the screen and calls everything but ``restoreNow()``. That
/// thread may be made to wait by a terminal that does not read.
@safe
public final class TerminalScreen {
    /// Why there is no screen: a sentence for the user.
    public struct Failure: Error, CustomStringConvertible {
        /// The sentence.
        public let description: String
    }

    /// How a text stands out.
    public enum Style: Sendable {
        case plain, heading, sender, doubtful, quiet, tag, alarm
    }

    /// For everything that ncurses does: it waits where the terminal makes it.
    private let descriptor: CInt
    /// For what must not wait.
    private let urgentDescriptor: CInt
    private let input: UnsafeMutablePointer<FILE>
    private let output: UnsafeMutablePointer<FILE>
    private var hasColour = false
    /// The screen is switched to the table; not so while the program is suspended.
    private var isShown = false

    /// Takes the terminal that this process was started from, whatever its standard streams are.
    ///
    /// The locale has to be set, and the signals that ncurses would handle have to be blocked in all threads: see
    /// `TerminalSignals`.
    ///
    /// - Parameter colour: colours may be used, where the terminal has them.
    public init(colour: Bool) throws(Failure) {
        descriptor = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        urgentDescriptor = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0, urgentDescriptor >= 0 else {
            throw Failure(description: "the table takes its keys from the terminal, and there is none (/dev/tty)")
        }
        guard let input = unsafe fdopen(descriptor, "r"), let output = unsafe fdopen(dup(descriptor), "w") else {
            throw Failure(description: "the terminal cannot be used: there is no memory for its buffers")
        }
        unsafe self.input = input
        unsafe self.output = output
        // Before ncurses changes them.
        let modes = try Self.modes(of: descriptor)
        guard unsafe newterm(nil, output, input) != nil else {
            throw Failure(
                description: "nothing is known of the terminal's type (TERM); Debian's ncurses-term knows more types")
        }
        start(colour: colour)
        try switchOn(restoring: modes)
    }

    private func start(colour: Bool) {
        cbreak()
        noecho()
        nonl()
        unsafe keypad(cncurses_screen(), true)
        unsafe nodelay(cncurses_screen(), true)
        set_escdelay(25)
        curs_set(0)
        hasColour = colour && has_colors() && start_color() == OK && use_default_colors() == OK
        guard hasColour else { return }
        for style in [Style.sender, .doubtful, .quiet, .tag, .alarm] {
            init_pair(Int16(style.pair), Int16(style.colour), -1)
        }
    }

    /// Columns and rows.
    public var size: (columns: Int, rows: Int) {
        unsafe (Int(getmaxx(cncurses_screen())), Int(getmaxy(cncurses_screen())))
    }

    /// Begins a new picture.
    public func erase() {
        cncurses_set_style(0, 0, 0)
        unsafe werase(cncurses_screen())
    }

    /// Puts a text, which must not hold control characters, into the picture.
    public func put(_ text: String, row: Int, column: Int, _ style: Style = .plain) {
        guard row >= 0, column >= 0, row < size.rows, column < size.columns else { return }
        cncurses_set_style(style.isBold ? 1 : 0, style == .alarm ? 1 : 0, hasColour ? style.pair : 0)
        unsafe wmove(cncurses_screen(), CInt(row), CInt(column))
        // What reaches beyond the last column would go on in the next row: the caller cuts, and ncurses stops at the end.
        _ = unsafe waddnstr(cncurses_screen(), text, CInt(clamping: text.utf8.count))
    }

    /// Shows the picture; `cursor` is where something is being typed.
    public func present(cursor: (row: Int, column: Int)? = nil) {
        guard isShown else { return }
        curs_set(cursor == nil ? 0 : 1)
        if let cursor { unsafe wmove(cncurses_screen(), CInt(cursor.row), CInt(cursor.column)) }
        unsafe wrefresh(cncurses_screen())
    }

    /// The next key, waited for at most some milliseconds; nil if there was none.
    ///
    /// - Throws: where the terminal is gone.
    public func nextKey(milliseconds: CInt) throws(Failure) -> TerminalKey? {
        var code = isShown ? unsafe wgetch(cncurses_screen()) : ERR
        if code == ERR {
            // While it is another job's no key is for this program: poll(2) skips -1 and just waits.
            var request = pollfd(fd: isShown ? descriptor : -1, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&request, 1, milliseconds)
            if ready > 0, request.revents & Int16(POLLIN) == 0 { throw Failure(description: "the terminal is gone") }
            code = ready > 0 ? unsafe wgetch(cncurses_screen()) : ERR
        }
        return code == ERR ? nil : TerminalKey(code)
    }

    /// Takes the size that the terminal has now.
    public func resize() {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return }
        resizeterm(CInt(size.ws_row), CInt(size.ws_col))
        // A terminal may have kept anything outside of what it had before.
        unsafe clearok(cncurses_screen(), true)
    }

    /// The terminal takes orders from this process, not from another job of the shell.
    public var isInForeground: Bool { tcgetpgrp(descriptor) == getpgrp() }

    /// Gives the terminal back as it was, for the time that the program is suspended.
    public func hide() {
        guard isShown else { return }
        endwin()
        terminal_restore_disarm()
        isShown = false
    }

    /// Takes the terminal again, with the modes it has now to be restored.
    public func show() throws(Failure) {
        guard !isShown else { return }
        let modes = try Self.modes(of: descriptor)
        def_shell_mode()
        try switchOn(restoring: modes)
        reset_prog_mode()
        unsafe clearok(cncurses_screen(), true)
        unsafe wrefresh(cncurses_screen())
    }

    private static func modes(of descriptor: CInt) throws(Failure) -> termios {
        var modes = termios()
        guard unsafe tcgetattr(descriptor, &modes) == 0 else {
            throw Failure(description: "the terminal's modes cannot be read")
        }
        return modes
    }

    private func switchOn(restoring modes: termios) throws(Failure) {
        var modes = modes
        let ending = Self.ending
        guard unsafe terminal_restore_arm(urgentDescriptor, &modes, ending, ending.count) == 0 else {
            throw Failure(description: "the terminal could not be restored after a crash, so it is not used")
        }
        isShown = true
    }

    /// The bytes that end what ncurses switched on, without the pauses of terminals that needed them.
    private static var ending: [CChar] {
        var bytes: [UInt8] = []
        for name in ["sgr0", "cnorm", "rmkx", "rmcup"] {
            guard let value = unsafe tigetstr(name), Int(bitPattern: value) != -1 else { continue }
            var text = unsafe String(cString: value)[...]
            while let pause = text.firstRange(of: "$<") {
                bytes += text[..<pause.lowerBound].utf8
                let rest = text[pause.upperBound...]
                text = rest.firstIndex(of: ">").map { rest[rest.index(after: $0)...] } ?? ""
            }
            bytes += text.utf8
        }
        return bytes.map { CChar(bitPattern: $0) }
    }

    /// Restores the terminal from another thread, where the one that draws is kept waiting by the terminal.
    public static func restoreNow() { terminal_restore_now() }
}

extension TerminalScreen.Style {
    fileprivate var isBold: Bool { self == .heading || self == .tag || self == .alarm }

    fileprivate var pair: CInt {
        switch self {
        case .plain, .heading: 0
        case .sender: 1
        case .doubtful: 2
        case .quiet: 3
        case .tag: 4
        case .alarm: 5
        }
    }

    fileprivate var colour: CInt {
        switch self {
        case .plain, .heading: -1
        case .sender: COLOR_GREEN
        case .doubtful: COLOR_YELLOW
        case .quiet: COLOR_CYAN
        case .tag: COLOR_MAGENTA
        case .alarm: COLOR_RED
        }
    }
}
