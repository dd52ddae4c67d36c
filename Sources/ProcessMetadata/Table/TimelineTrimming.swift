internal import Records

/// A process may rename itself or exec without end. What goes first is what held for the shortest time: the names between
/// two execs, which leave the image as it is, and whole images only when there is nothing else.
extension ProcessTimeline {
    /// So many moments are kept whatever their age.
    static let limit = 16
    /// So many at most.
    static let recentLimit = 128
    /// What held until so many nanoseconds before the latest moment may still be asked for.
    private static let recent: Int64 = 10_000_000_000

    mutating func trim(_ outcome: inout Outcome) {
        while moments.count > Self.limit {
            let isFull = moments.count > Self.recentLimit
            let mayGo = moments.indices.dropFirst().dropLast().filter { isFull || isOver($0) }
            if let index = shortestRename(of: mayGo) {
                foldName(at: index, &outcome)
            } else if let index = mayGo.first(where: isSupersededLook) {
                foldLook(at: index, &outcome)
            } else if let next = nextImage, isFull || isOver(next - 1) {
                dropFirst(next, &outcome)
            } else {
                return
            }
        }
    }

    /// What held from there on was over long ago.
    private func isOver(_ index: Int) -> Bool {
        guard let last = moments.last else { return false }
        return moments[index + 1].since.advanced(by: Self.recent) < last.since
    }

    /// Where the second image begins.
    private var nextImage: Int? { moments.indices.dropFirst().first { !continuesImage($0) } }

    /// Belongs to the image of the moment before it.
    private func continuesImage(_ index: Int) -> Bool {
        let event = moments[index].event
        guard index > 0, event != .exec, event != .fork else { return false }
        let version = moments[index].version
        return version == 0 || moments[index - 1].version == 0 || version == moments[index - 1].version
    }

    private func shortestRename(of indices: [Int]) -> Int? {
        let names = indices.filter { index in
            moments[index].event == .rename && moments[index].namelessUntil == nil && moments[index].image == nil
                && continuesImage(index)
        }
        return names.min { duration($0) < duration($1) }
    }

    private func duration(_ index: Int) -> Int64 { moments[index + 1].since.since(moments[index].since) }

    /// A look at an image that was looked at again.
    private func isSupersededLook(_ index: Int) -> Bool {
        guard moments[index].event == .snapshot, continuesImage(index) else { return false }
        if moments[index].image == nil { return true }
        var later = index + 1
        while later < moments.count, continuesImage(later) {
            if moments[later].event == .snapshot, moments[later].image != nil { return true }
            later += 1
        }
        return false
    }

    private mutating func foldName(at index: Int, _ outcome: inout Outcome) {
        let end = moments[index + 1].since
        if moments[index].name != .empty { outcome.forgotten.append(end) }
        moments[index].name = .empty
        moments[index].namelessUntil = end
        joinNameless(at: index)
    }

    private mutating func foldLook(at index: Int, _ outcome: inout Outcome) {
        if let image = moments[index].image { outcome.released.append(image) }
        moments[index].image = nil
        // What it was called at the look is known; only a name that differs is worth a moment.
        let before = moments[..<index].last { $0.name != .empty || $0.namelessUntil != nil }
        if moments[index].name == .empty || before?.name == moments[index].name, moments[index].namelessUntil == nil {
            moments.remove(at: index)
        } else {
            moments[index].event = .rename
        }
        if index < moments.count { joinNameless(at: index) }
    }

    /// Makes one moment of neighbours that stand for forgotten names.
    private mutating func joinNameless(at index: Int) {
        if index + 1 < moments.count, isNameless(index), isNameless(index + 1), continuesImage(index + 1) {
            moments[index].namelessUntil = moments[index + 1].namelessUntil
            moments.remove(at: index + 1)
        }
        if index > 0, isNameless(index - 1), isNameless(index), continuesImage(index) {
            moments[index - 1].namelessUntil = moments[index].namelessUntil
            moments.remove(at: index)
        }
    }

    private func isNameless(_ index: Int) -> Bool {
        moments[index].namelessUntil != nil && moments[index].event == .rename && moments[index].image == nil
    }

    /// Lets the oldest image go with all that is known of it.
    private mutating func dropFirst(_ count: Int, _ outcome: inout Outcome) {
        let gone = moments[..<count]
        outcome.forgotten.append(moments[count].since)
        outcome.released += gone.compactMap(\.image)
        moments.removeFirst(count)
        isTrimmed = true
    }
}
