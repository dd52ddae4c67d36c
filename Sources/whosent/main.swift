import Glibc
import WhosentCLI

exit(runWhosent())
