/* Formulas in plain text. */
#include "ui/latex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *latex, const char *expected)
{
	struct buffer out = {0};
	bool ok = latex_to_text(latex, strlen(latex), false, &out);
	if (expected) {
		assert_string_equal(out.data ? out.data : "", expected);
		assert_true(ok);
	} else {
		assert_false(ok);
		assert_int_equal(out.len, 0);
	}
	buffer_free(&out);
}

static void test_signs(void **state)
{
	check("\\alpha+\\beta", "α+β");
	check("a \\leq b\\neq c", "a ≤ b ≠ c");
	check("2\\times3 \\cdot x", "2 × 3 · x");
	check("x \\in \\mathbb{R}, y\\in\\mathbb{F}", "x ∈ ℝ, y ∈ F");
	check("n\\log n", "n log n");
	check("\\log_2(n)\\sin\\theta", "log₂(n) sin θ");
	check("A \\Rightarrow B \\iff C", "A ⇒ B ⇔ C");
	check("\\{1, \\ldots, n\\}", "{1, …, n}");
	check("f'(x)", "f′(x)");
	check("50\\% \\text{ of all}", "50% of all");
	check("a \\equiv b \\pmod{n}", "a ≡ b (mod n)");
	check("\\left( a \\right)\\!\\left. b \\right|", "(a) b |");
	check("\\vec{v} + \\hat{x}", "v\u20D7 + x\u0302");
}

static void test_scripts(void **state)
{
	check("x^2 + y_{10}", "x² + y₁₀");
	check("e^{i\\pi}", "e^(iπ)");
	check("x^q", "x^q");
	check("a_{n+1}^{k}", "aₙ₊₁ᵏ");
	check("\\sum_{i=1}^{n} i^2", "∑ᵢ₌₁ⁿ i²");
	check("\\int_0^\\infty", "∫₀^∞");
	check("90^\\circ", "90°");
	check("A^T B^{-1}", "Aᵀ B⁻¹");
	check("\\lim_{x \\to 0} f", "lim_(x → 0) f");
	check("H_2O", "H₂O");
}

static void test_fractions(void **state)
{
	check("\\binom{n}{k} = \\Delta", "C(n, k) = Δ");
	check("\\frac{1}{2}", "1/2");
	check("\\frac12", "1/2");
	check("\\frac{a+b}{2a}", "(a+b)/(2a)");
	check("\\frac{dy}{dx}", "dy/dx");
	check("\\frac{\\partial f}{\\partial x}", "∂f/∂x");
	check("\\frac{n(n+1)}{2}", "(n(n+1))/2");
	check("\\sqrt{2}", "√2");
	check("\\sqrt{b^2 - 4ac}", "√(b² - 4ac)");
	check("\\sqrt[3]{x}", "³√x");
	check("x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}", "x = (-b ± √(b² - 4ac))/(2a)");
}

static void test_rows(void **state)
{
	check("\\begin{aligned} a &= b \\\\ &= c \\end{aligned}", "a = b\n= c");
	check("A = \\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}x", "A = (1 2; 3 4)x");
	check("|x| = \\begin{cases} x & x \\ge 0 \\\\ -x & \\text{else} \\end{cases}", "|x| = { x x ≥ 0; -x else");
	check("\\begin{aligned} a \\\\ \\end{aligned}", "a");
	check("\\begin{array}{c} 1 & 2 \\end{array}", NULL);
	check("\\begin{aligned} a \\end{matrix}", NULL);
	check("\\begin{aligned} a", NULL);
	check("a \\end{aligned}", NULL);
}

static void test_refused(void **state)
{
	check("\\unheardof{x}", NULL);
	check("a & b", NULL);
	check("{a", NULL);
	check("a}", NULL);
	check("\\frac{1}", NULL);
	check("x^", NULL);
	check("\\vec{ab}", NULL);
	check("{{{{{{{{{{{{{{{{{{{{x}}}}}}}}}}}}}}}}}}}}", NULL);
}

/* Every beginning of a formula that is being written can be shown. */
static void test_open(void **state)
{
	static const char *const formulas[] = {"x = \\frac{-b \\pm \\sqrt[3]{b^{2} - 4ac}}{2a} \\in \\mathbb{R}",
					       "\\sum_{i=1}^{n} \\text{if } \\vec{v}",
					       "\\begin{aligned} a &= b \\\\ &= c \\end{aligned} \\pmod{n}",
					       "\\begin{bmatrix} 1 & \\binom{2}{x} \\\\ 3 \\end{bmatrix}"};
	for (size_t i = 0; i < sizeof(formulas) / sizeof(*formulas); i++)
		for (size_t len = 0; len <= strlen(formulas[i]); len++) {
			char *part = strndup(formulas[i], len); /* its end is where a sanitizer sees it */
			struct buffer out = {0};
			assert_true(latex_to_text(part, len, true, &out));
			buffer_free(&out);
			free(part);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs), cmocka_unit_test(test_scripts), cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_refused), cmocka_unit_test(test_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
