module todo

go 1.24

require ostler v0.0.0

replace ostler => ../../sdk/go
