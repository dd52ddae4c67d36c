/// A list that is nearly always empty or of one element, which then costs no allocation.
struct Few<Element>: RandomAccessCollection {
    private var one: Element?
    private var rest: [Element] = []

    init() {}

    var startIndex: Int { 0 }
    var endIndex: Int { one == nil ? 0 : rest.count + 1 }

    subscript(position: Int) -> Element {
        if position == 0, let one { return one }
        return rest[position - 1]
    }

    mutating func append(_ element: Element) {
        if one == nil { one = element } else { rest.append(element) }
    }

    mutating func removeAll() {
        one = nil
        rest.removeAll()
    }

    mutating func removeAll(where shouldBeRemoved: (Element) -> Bool) {
        rest.removeAll(where: shouldBeRemoved)
        if let first = one, shouldBeRemoved(first) { one = rest.isEmpty ? nil : rest.removeFirst() }
    }
}

extension Few: Sendable where Element: Sendable {}
