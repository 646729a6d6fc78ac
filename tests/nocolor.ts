/** Disables colors; imported before any module that colors its output, because tests compare plain text. */
process.env.NO_COLOR = '1';
