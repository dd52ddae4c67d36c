internal import CNCurses

/// What somebody pressed.
public enum TerminalKey: Hashable, Sendable {
    /// A byte of a character in the terminal's encoding; control characters have keys of their own or none.
    case byte(UInt8)
    case enter, escape, backspace
    case up, down, pageUp, pageDown, home, end

    /// The key of ncurses's number; nil for those without a meaning here.
    init?(_ code: CInt) {
        switch code {
        case 0x0A, 0x0D, KEY_ENTER: self = .enter
        case 0x1B: self = .escape
        case 0x08, 0x7F, KEY_BACKSPACE: self = .backspace
        case KEY_UP: self = .up
        case KEY_DOWN: self = .down
        case KEY_PPAGE: self = .pageUp
        case KEY_NPAGE: self = .pageDown
        case KEY_HOME: self = .home
        case KEY_END: self = .end
        case 0x20...0xFF: self = .byte(UInt8(truncatingIfNeeded: code))
        default: return nil
        }
    }
}
