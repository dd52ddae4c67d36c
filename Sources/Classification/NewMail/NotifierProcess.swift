/// The processes that send new-mail notifications.
enum NotifierProcess {
    /// Exchange's information store up to 2007, and Exchange 2010's RPC client access service.
    private static let names = ["store.exe", "microsoft.exchange.rpcclientaccess.service.exe"]

    static func isOne(_ name: String) -> Bool { names.contains(name.lowercased()) }
}

extension Tag {
    /// The tag with what the sender's name adds to it: that is known only once evidence has named the sender, so it
    /// comes after the classifiers.
    ///
    /// - Parameter processName: the name of the process that sent the packet.
    /// - Returns: `newmail` by its form alone becomes `possible` where Exchange's notifier sent it.
    public func considering(processName: String) -> Tag {
        guard name == "newmail", confidence <= .possible, !isContradicted, NotifierProcess.isOne(processName) else {
            return self
        }
        var raised = self
        raised.confidence = .possible
        raised.reasons.append("the process that sent it is called \(processName), as Exchange's notifier is")
        return raised
    }
}
