import Platform
import Reporting
import Synchronization
import TerminalTable
import TextEscaping

/// The table of `live --top`.
///
/// It is drawn by a thread of its own, which alone calls ncurses: a terminal that does not read (Ctrl-S, a stalled
/// connection) keeps that thread waiting and nobody else. The main loop hands over counts, at most four times a second.
final class LiveTable: Sendable {
    private enum Phase: Equatable {
        case closed, opening, open
        case failed(String)
    }

    private struct Shared {
        var phase = Phase.closed
        var frame: TopFrame?
        var isEnding = false
        var wantsEnd = false
        var nextFrame: UInt64 = 0
        var lost: UInt64 = 0
    }

    /// Nanoseconds between two frames.
    private static let interval: UInt64 = 250_000_000
    /// How long the terminal may take for a screen, in nanoseconds.
    private static let patience: UInt64 = 1_000_000_000

    private let shared = Mutex(Shared())
    private let signals: TerminalSignals
    private let title: String

    /// A table that is not shown yet; call before any thread is started.
    ///
    /// - Throws: where there is no terminal to show it on.
    init(title: String) throws(CommandFailure) {
        guard Terminal.isPresent else {
            throw CommandFailure(
                ExitStatus.usage, "--top needs a terminal on standard output; without --top come lines")
        }
        guard !Terminal.isDumb else {
            throw CommandFailure(
                ExitStatus.usage,
                "--top needs a terminal that can be drawn on, and TERM says there is none; "
                    + "without --top come lines")
        }
        self.title = LosslessEscape.text(title)
        signals = TerminalSignals()
    }

    /// Shows it.
    func open() throws(CommandFailure) {
        shared.withLock { $0.phase = .opening }
        let unicode = Terminal.adoptLocale()
        let colour = Terminal.showsColour
        guard DetachedThread.start({ self.run(TopView(title: self.title, unicode: unicode), colour: colour) }) else {
            throw CommandFailure(ExitStatus.failed, "no thread could be started to draw the table")
        }
        let deadline = monotonicClock() + Self.patience
        while phase == .opening, monotonicClock() < deadline { pause(milliseconds: 2) }
        if case .failed(let sentence) = phase { throw CommandFailure(ExitStatus.usage, sentence) }
    }

    /// Somebody pressed q, or the terminal is gone.
    var wantsEnd: Bool { shared.withLock { $0.wantsEnd } }

    private var phase: Phase { shared.withLock { $0.phase } }

    /// Hands over what is counted, where it is time for it: four times a second, and at once where something was lost.
    func show(_ summary: RunSummary, _ rows: () -> [SummaryTable.Row]) {
        let now = monotonicClock()
        let lost = summary.lost.values.reduce(0, &+)
        let isDue = shared.withLock { shared in
            guard now >= shared.nextFrame || lost != shared.lost && shared.lost == 0 else { return false }
            shared.nextFrame = now + Self.interval
            shared.lost = lost
            return true
        }
        guard isDue else { return }
        let frame = TopFrame(time: now, rows: rows(), packets: summary.packets, lost: summary.lost)
        shared.withLock { $0.frame = frame }
    }

    /// Gives the terminal back as it was; may be called again.
    func close() {
        let isShown = shared.withLock { shared in
            shared.isEnding = true
            return shared.phase == .open || shared.phase == .opening
        }
        guard isShown else { return }
        if !hasClosed(within: Self.patience) {
            TerminalScreen.restoreNow()
            // If that made the terminal read on, the rest of a picture is on its way, and then the end.
            if !hasClosed(within: Self.patience / 4) { shared.withLock { $0.phase = .closed } }
        }
        signals.end()
    }

    private func hasClosed(within patience: UInt64) -> Bool {
        let deadline = monotonicClock() + patience
        while phase == .open || phase == .opening {
            if monotonicClock() >= deadline { return false }
            pause(milliseconds: 2)
        }
        return true
    }

    // MARK: The drawing thread

    private func run(_ view: TopView, colour: Bool) {
        do {
            var drawing = TableDrawing(screen: try TerminalScreen(colour: colour), view: view, signals: signals)
            shared.withLock { $0.phase = .open }
            var goesOn = true
            while goesOn {
                let (frame, isEnding) = shared.withLock { shared in (shared.frame.take(), shared.isEnding) }
                if isEnding { break }
                goesOn = try drawing.step(frame)
            }
            shared.withLock { $0.wantsEnd = true }
            drawing.screen.hide()
            shared.withLock { $0.phase = .closed }
        } catch {
            TerminalScreen.restoreNow()
            shared.withLock { shared in
                shared.wantsEnd = true
                shared.phase = .failed("\(error)")
            }
        }
    }
}

/// What the drawing thread does, a step at a time.
private struct TableDrawing {
    let screen: TerminalScreen
    var view: TopView
    let signals: TerminalSignals
    private var model = TopModel()
    private var isSuspended = false
    private var isStale = true

    init(screen: TerminalScreen, view: TopView, signals: TerminalSignals) {
        self.screen = screen
        self.view = view
        self.signals = signals
    }

    /// Takes what happened meanwhile, waits a little for a key, and draws where anything changed.
    ///
    /// - Returns: false where somebody wants to end.
    mutating func step(_ frame: TopFrame?) throws(TerminalScreen.Failure) -> Bool {
        try takeSignals()
        if let frame {
            model.update(frame)
            isStale = true
        }
        if isStale, !isSuspended {
            draw()
            isStale = false
        }
        // A frame is due four times a second, and a signal wakes nobody.
        var key = try screen.nextKey(milliseconds: 50)
        while let pressed = key {
            isStale = true
            if !view.handle(TopKey(pressed), model) { return false }
            key = try screen.nextKey(milliseconds: 0)
        }
        return true
    }

    private mutating func takeSignals() throws(TerminalScreen.Failure) {
        while let event = signals.next() {
            switch event {
            case .suspend:
                screen.hide()
                isSuspended = true
                signals.suspendProcess()
            case .resume:
                // Somebody else may have drawn meanwhile, or changed the modes: SIGSTOP cannot be noticed beforehand.
                if !isSuspended, screen.isInForeground { screen.hide() }
                isSuspended = true
            case .resize:
                screen.resize()
                isStale = true
            }
        }
        // In the background the run goes on without a table until `fg`.
        guard isSuspended, screen.isInForeground else { return }
        try screen.show()
        screen.resize()
        isSuspended = false
        isStale = true
    }

    private mutating func draw() {
        let size = screen.size
        let picture = view.screen(model, columns: size.columns, rows: size.rows)
        screen.erase()
        for (row, line) in picture.lines.enumerated() {
            for part in line.parts {
                screen.put(part.text, row: row, column: part.column, TerminalScreen.Style(part.style))
            }
        }
        screen.present(cursor: picture.cursor)
    }
}

extension TerminalScreen.Style {
    fileprivate init(_ style: TopLine.Style) {
        switch style {
        case .plain: self = .plain
        case .heading: self = .heading
        case .sender: self = .sender
        case .doubtful: self = .doubtful
        case .quiet: self = .quiet
        case .tag: self = .tag
        case .alarm: self = .alarm
        }
    }
}

extension TopKey {
    fileprivate init(_ key: TerminalKey) {
        switch key {
        case .byte(let byte): self = .byte(byte)
        case .enter: self = .enter
        case .escape: self = .escape
        case .backspace: self = .backspace
        case .up: self = .up
        case .down: self = .down
        case .pageUp: self = .pageUp
        case .pageDown: self = .pageDown
        case .home: self = .home
        case .end: self = .end
        }
    }
}
