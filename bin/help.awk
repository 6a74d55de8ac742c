# Print the help of a Makefile: sections (`##@ Run`) and targets (`down: ## what it does`).
BEGIN {
    FS = ":.*## "
    print "Sluice: one application, five architectures, the same load on each.\n"
    print "Usage: make TARGET [VARIABLE=value]"
}
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-z0-9%-]+:.*## / {
    sub(/%/, $1 ~ /^stage/ ? "N" : "NAME", $1)
    printf "  %-11s %s\n", $1, $2
}
END { print "" }
