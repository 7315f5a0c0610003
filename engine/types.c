#include "types.h"

static const struct type_info table[TYPE_COUNT] = {
	[TYPE_F32] = {"F32", 1, 4},       [TYPE_F16] = {"F16", 1, 2},         [TYPE_BF16] = {"BF16", 1, 2},
	[TYPE_Q4_0] = {"Q4_0", 32, 18},   [TYPE_Q4_1] = {"Q4_1", 32, 20},     [TYPE_Q5_0] = {"Q5_0", 32, 22},
	[TYPE_Q5_1] = {"Q5_1", 32, 24},   [TYPE_Q8_0] = {"Q8_0", 32, 34},     [TYPE_Q2_K] = {"Q2_K", 256, 84},
	[TYPE_Q3_K] = {"Q3_K", 256, 110}, [TYPE_Q4_K] = {"Q4_K", 256, 144},   [TYPE_Q5_K] = {"Q5_K", 256, 176},
	[TYPE_Q6_K] = {"Q6_K", 256, 210}, [TYPE_IQ4_NL] = {"IQ4_NL", 32, 18}, [TYPE_IQ4_XS] = {"IQ4_XS", 256, 136},
};

/* Types that files may hold and that we cannot compute with: named in refusals. */
static const char *const others[TYPE_COUNT] = {
	[TYPE_Q8_1] = "Q8_1", [TYPE_Q8_K] = "Q8_K", [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S",
	[21] = "IQ3_S",       [22] = "IQ2_S",       [24] = "I8",      [25] = "I16",    [26] = "I32",     [27] = "I64",
	[28] = "F64",         [29] = "IQ1_M",       [34] = "TQ1_0",   [35] = "TQ2_0",  [39] = "MXFP4",
};

const struct type_info *type_info(uint32_t type)
{
	return type < TYPE_COUNT && table[type].name ? &table[type] : 0;
}

const char *type_name(uint32_t type)
{
	if (type >= TYPE_COUNT)
		return "?";
	return table[type].name ? table[type].name : others[type] ? others[type] : "?";
}
