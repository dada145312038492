/** Purposes of keyed digests: the same text has another digest for each. Never changed, or no stored code is found again. */
export const CODE_DIGEST_PURPOSE = 'redeem-code';
export const CLIENT_DIGEST_PURPOSE = 'redeem-client';
