/** Disables colours; imported before any module that colours its output, because tests compare plain text. */
process.env.NO_COLOR = '1';
