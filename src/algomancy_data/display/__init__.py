"""What people see: tables and short texts, as text, as HTML and on a terminal."""
