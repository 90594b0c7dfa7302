"""The exercises' questions, a file a chapter: `chapter03.QUESTIONS` are those of chapter 3."""
