package tests

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ostler"
	"ostler/authz"
	"ostler/cache"
	"ostler/ostlertest"
	"ostler/ratelimit"
)

func TestThePrincipalIsAsItWasProved(t *testing.T) {
	since := time.UnixMilli(1_700_000_000_123).UTC()
	ostlertest.New(t).WithPrincipal(ostler.Principal{
		Subject: "ada", Tenant: "acme", Roles: []string{"clerk"}, AuthenticatedAt: since, Claims: map[string]any{"email": "a@b.test"},
	})
	its := ostler.CurrentPrincipal()
	check(t, its.Subject == "ada" && its.Tenant == "acme" && its.Method == "jwt" && its.AuthenticatedAt.Equal(since), its)
	check(t, slices.Equal(its.Roles, []string{"clerk"}) && its.Claims["email"] == "a@b.test", its)
	ostlertest.New(t)
	check(t, ostler.CurrentPrincipal() == nil, "nobody is known")
}

func TestParametersHaveTheTypeOfTheirDocument(t *testing.T) {
	ostlertest.New(t).WithParameter("limit", 20).WithParameter("status", []string{"open"})
	var limit int
	there, err := ostler.Parameter("limit", &limit)
	check(t, there && err == nil && limit == 20, limit, err)
	there, err = ostler.Parameter("other", &limit)
	check(t, !there && err == nil, err)
	_, err = ostler.Parameter("status", &limit)
	check(t, err != nil && strings.Contains(err.Error(), "status"), err)
	check(t, string(ostler.Parameters()["status"]) == `["open"]`, ostler.Parameters())
}

func TestWhatIsAllowedIsAllowedOnItsResourceOnly(t *testing.T) {
	ostlertest.New(t).Allow("orders:read", "").Allow("orders:write", "orders/17")
	check(t, authz.Allows("orders:read", "") && authz.Allows("orders:read", "orders/3"))
	check(t, authz.Require("orders:write", "orders/17") == nil && !authz.Allows("orders:write", "orders/18"))
	check(t, authz.Check("orders:write", "").Reason != "", "no reason")
}

func TestTheMissingPermissionIsNamedToThoseWhoAreKnown(t *testing.T) {
	handler := ostler.Func(func(http.ResponseWriter, *http.Request) error { return authz.Require("orders:write", "orders/17") })
	body := func() string {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
		check(t, answer.Code == 403, answer.Code)
		return answer.Body.String()
	}
	ostlertest.New(t).WithPrincipal(ostler.Principal{Subject: "ada"})
	check(t, strings.Contains(body(), "this needs the permission orders:write on orders/17"), body())
	ostlertest.New(t)
	check(t, strings.Contains(body(), `"this is not allowed"`) && strings.Contains(body(), `"forbidden"`), body())
}

func TestEachKeyHasItsOwnCountUntilItsTimeIsOver(t *testing.T) {
	its := ostlertest.New(t).Limit("exports", 3, time.Minute)
	decision, err := ratelimit.Check("exports", "ada", 2)
	check(t, err == nil && decision.Admitted && decision.Remaining == 1, decision, err)
	its.Advance(500 * time.Millisecond)
	_, err = ratelimit.Require("exports", "ada", 2)
	var problem *ostler.Problem
	check(t, errors.As(err, &problem) && problem.Status == 429 && problem.Header.Get("Retry-After") == "60", err)
	left, err := ratelimit.Require("exports", "ben", 3)
	check(t, left == 0 && err == nil, left, err)
	its.Advance(time.Minute)
	_, err = ratelimit.Require("exports", "ada", 3)
	check(t, err == nil, err)
	_, err = ratelimit.Check("other", "ada", 1)
	check(t, errors.Is(err, ratelimit.ErrDenied) && strings.Contains(err.Error(), "other"), err)
	for _, wrong := range []struct {
		key  string
		cost uint32
	}{{"", 1}, {strings.Repeat("k", 513), 1}, {"ada", 0}, {"ada", 1_000_001}} {
		_, err = ratelimit.Check("exports", wrong.key, wrong.cost)
		check(t, errors.Is(err, ratelimit.ErrInvalid), wrong, err)
	}
}

func TestCachedValuesAreKeptForTheirTimeAndDroppedWithTheirTag(t *testing.T) {
	its := ostlertest.New(t).Cache("c")
	c := cache.Open("c")
	check(t, c.Set("a", []byte("1"), time.Minute, "x", "y") == nil && c.SetJSON("b", 2, 0, "y") == nil)
	check(t, c.DeleteTag("x") == nil)
	a, err := c.Get("a")
	check(t, a == nil && err == nil, a, err)
	var b int
	there, err := c.GetJSON("b", &b)
	check(t, there && err == nil && b == 2, b, err)
	check(t, c.Set("a", []byte("3"), time.Minute) == nil)
	its.Advance(time.Minute)
	check(t, its.Cached("c", "a") == nil && string(its.Cached("c", "b")) == "2")
	check(t, c.Delete("b") == nil && its.Cached("c", "b") == nil)
}

func TestAValueIsMadeOnceUntilItsTagIsDropped(t *testing.T) {
	ostlertest.New(t).Cache("c")
	c, made := cache.Open("c"), 0
	ask := func() int {
		value, err := cache.GetOrComputeJSON(c, "k", time.Minute, []string{"t"}, func() (int, error) { made++; return made, nil })
		check(t, err == nil, err)
		return value
	}
	check(t, ask() == 1 && ask() == 1, made)
	check(t, c.DeleteTag("t") == nil && ask() == 2, made)
}

func TestTheRightToMakeAValueIsGivenBackWhenThatFails(t *testing.T) {
	its := ostlertest.New(t).Cache("c")
	c, no := cache.Open("c"), errors.New("not now")
	_, err := c.GetOrCompute("k", 0, nil, func() ([]byte, error) { return nil, no })
	check(t, errors.Is(err, no) && !its.IsLocked("c", "k"), err)
	_, err = c.GetOrCompute("k", 0, nil, func() ([]byte, error) { return make([]byte, 1<<20+1), nil })
	check(t, errors.Is(err, cache.ErrInvalid) && !its.IsLocked("c", "k"), err)
	func() {
		defer func() { _ = recover() }()
		_, _ = c.GetOrCompute("k", 0, nil, func() ([]byte, error) { panic("boom") })
	}()
	check(t, !its.IsLocked("c", "k"), "a panic keeps the right")
	found, err := c.GetOrLock("k", 0)
	check(t, found == nil && err == nil && its.IsLocked("c", "k"), found, err)
	check(t, c.Set("k", nil, 0) == nil && !its.IsLocked("c", "k"))
}

func TestACacheOutOfReachIsDoneWithout(t *testing.T) {
	ostlertest.New(t).Cache("c").LoseCache("c")
	value, err := cache.Open("c").GetOrCompute("k", 0, nil, func() ([]byte, error) { return []byte("made"), nil })
	check(t, string(value) == "made" && err == nil, value, err)
	_, err = cache.Open("c").Get("k")
	check(t, errors.Is(err, cache.ErrUnavailable), err)
	_, err = cache.Open("other").Get("k")
	check(t, errors.Is(err, cache.ErrDenied), err)
	ostlertest.New(t).Cache("c")
	check(t, errors.Is(cache.Open("c").Set("", nil, 0), cache.ErrInvalid))
	check(t, errors.Is(cache.Open("c").Set("k", nil, 0, ""), cache.ErrInvalid))
	check(t, errors.Is(cache.Open("c").Set("k", nil, -1), cache.ErrInvalid))
}
