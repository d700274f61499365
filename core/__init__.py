"""The product: what a question, a document and an answer are, and how one becomes the other. Standard library only."""
