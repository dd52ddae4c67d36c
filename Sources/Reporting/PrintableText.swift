internal import TextEscaping

/// The last gate before output. Texts come here in the lossless escape; where one does not (a filter expression of
/// foreign evidence, a rule's name), its control characters and overrides are escaped now, so that none reaches a
/// terminal whoever forgot it.
func printable(_ text: String) -> String {
    for byte in text.utf8 {
        // C0 and DEL; the lead bytes of C1 and of the characters that turn or break a line.
        if byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte == 0xE2 { return escapedAgain(text) }
    }
    return text
}

/// Undoing the escape and doing it again leaves an escaped text as it is.
private func escapedAgain(_ text: String) -> String { LosslessEscape.text(LosslessEscape.bytes(text)) }
