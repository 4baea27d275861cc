"""Reads articles: finds the trade figures in a text and works out what each one asserts.

`text` extracts the text of a file, `tokens` and `phrases` match it against the grammar, `amounts`
finds figures and `periods` time spans, `attachments` attaches figures to flows, and `reader`
completes each figure from earlier sentences. The vocabulary is data, in the folder `grammar`.
Nothing here reads the warehouse; verdicts come from `questions`.
"""
