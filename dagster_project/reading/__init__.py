"""Reads articles: finds the trade figures in a text and says what each of them asserts.

`text` gets the words of a file, `tokens` and `phrases` find the words of the grammar in them,
`amounts` finds figures and `periods` spans of time, `clauses` attaches figures to flows, and
`reader` completes each figure with what the sentences before it have said. The words are data, in
the folder `grammar`. Nothing here reads the warehouse; verdicts come from `questions`.
"""
