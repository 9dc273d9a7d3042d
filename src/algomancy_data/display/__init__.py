"""What people are shown: tables and short texts, as text, as HTML and on a terminal."""
