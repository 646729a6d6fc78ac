/** Imported before anything that colours what it prints: what is compared is text. */
process.env.NO_COLOR = '1';
