/** RFC 9110 section 5.1: a field name is a token. */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 section 5.5, read and written by the same rule: what may not stand in a value. */
export const NOT_IN_HEADER_VALUES = /[^\t\x20-\x7e\x80-\xff]/;
