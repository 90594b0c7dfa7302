"""The exercises' questions, one file for each chapter: `chapter03.QUESTIONS` are those of chapter 3."""
