print("whosent")
