module ostler

go 1.24
