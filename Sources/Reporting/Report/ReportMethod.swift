internal import Correlation

/// How answers are found and what they do not say, in plain words.
extension IncidentReport {
    /// How answers are found.
    public var method: [String] {
        var text = [
            "Each captured packet is compared with records of what processes handed to the network. A record fits if the whole identity agrees: addresses, ports or ICMP identifier and sequence, IP id, lengths and the first payload bytes. Time only narrows the choice and never decides by itself.",
            "Exact: the complete identity agrees, and no other process has an equal record. Probable: a good match that falls short of that. Possible: a weak match; take it as a lead, not as an answer. Ambiguous: several processes fit, all are listed and none is picked. Unknown: it cannot be known, and the reason is given.",
            "A packet is called received only where the evidence covers its time and would have shown a sender on this machine.",
            "Tags describe the form and behaviour of packets, not their sender. Confirmed is proven by the protocol's own exchange; shape means that only the form fits.",
        ]
        if question.inputs.allSatisfy({ $0.role == .results }) {
            text.append(
                "This report was made from the results of an earlier run. The verdicts are that run's; they were not checked against captures or evidence again."
            )
        }
        return text
    }

    /// What answers do not say.
    public var limitations: [String] {
        var text = [
            "A process that passes on other programs' traffic (a name resolver, a proxy) is the sender. Who asked it is beyond this evidence.",
            "The evidence is as trustworthy as the machine it is from and those who kept the file; who has administrator rights there can hide sends or change the file. Nothing in it is signed.",
            "Records of a send are no proof that a packet left the machine; packets in a capture are no proof that they arrived.",
            "Identical packets without an IP id that two processes send within a few seconds cannot be told apart, and are ambiguous.",
        ]
        let methods = Set(groups.flatMap(\.methods.keys))
        if !methods.isDisjoint(with: [.flow, .ports, .inferred]) {
            text.append(
                "Evidence that does not hold the packets themselves (kernel traces, listings) never makes an exact answer."
            )
        }
        if methods.contains(.socketTable) {
            text.append(
                "Socket tables show who held a socket, not who used it: a short-lived helper may have sent in between.")
        }
        return text
    }
}
