import Glibc
import WhosentCLI

exit(runWhosent(Array(CommandLine.arguments.dropFirst())))
